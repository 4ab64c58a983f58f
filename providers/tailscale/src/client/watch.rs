//! The notification stream: one JSON object a line, without end and without heartbeats.

use std::future::ready;
use std::io;
use std::time::Duration;

use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use tokio_util::codec::{FramedRead, LinesCodec};
use tokio_util::io::StreamReader;

use super::error::{Cause, ClientError};
use super::notify::Notify;
use super::transport::Transport;

const CALL: &str = "watch-ipn-bus";

/// A line may hold the whole network.
const LONGEST_LINE: usize = 64 << 20;

/// Messages as they come. The last item is always an error: the daemon never ends it by itself.
pub(crate) type Notifications = BoxStream<'static, Result<Notify, ClientError>>;

/// Subscribes; returns once the daemon has confirmed, so that nothing after is missed.
pub(super) async fn watch(
    transport: &Transport,
    mask: u32,
    deadline: Duration,
) -> Result<Notifications, ClientError> {
    let request = transport.request(Method::GET, &format!("{CALL}?mask={mask}"));
    let answer = transport.open(CALL, request, deadline).await?;
    let bytes = StreamReader::new(answer.bytes_stream().map_err(io::Error::other));
    let lines = FramedRead::new(bytes, LinesCodec::new_with_max_length(LONGEST_LINE));
    let lost = transport.error(CALL, Cause::Lost);
    let end = stream::once(ready(Err(lost.clone())));
    let transport = transport.clone();
    let messages = lines.map(move |line| match line {
        Ok(line) => transport.parse(CALL, line.as_bytes()),
        Err(_) => Err(lost.clone()),
    });
    Ok(messages.chain(end).boxed())
}
