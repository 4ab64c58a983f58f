//! The plugin's side: makes a plugin of any provider.

mod caller;
mod desk;
mod running;

use std::io;

use futures_util::StreamExt;
use provider_api::Provider;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_util::codec::{FramedRead, LinesCodec};

use crate::wire::LONGEST_LINE;
use desk::Desk;

/// Serves a provider on standard input and output until the input ends: all that the `main` of
/// a plugin does. Standard output belongs to the protocol; what is printed to standard error
/// ends up in the host's log.
///
/// The provider asks its [`Host`](provider_api::Host) only from the futures of its calls, not
/// from tasks that it spawns: each question belongs to a call.
///
/// # Errors
/// Where the host cannot be heard or told any longer.
pub async fn serve(provider: &dyn Provider) -> io::Result<()> {
    serve_on(provider, tokio::io::stdin(), tokio::io::stdout()).await
}

/// The same, on any two pipes.
///
/// # Errors
/// Those of [`serve`].
pub async fn serve_on(
    provider: &dyn Provider,
    input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut lines = FramedRead::new(input, LinesCodec::new_with_max_length(LONGEST_LINE));
    let (mut desk, mut said) = Desk::new(provider);
    loop {
        tokio::select! {
            line = lines.next() => match line {
                Some(Ok(line)) => desk.take(&line),
                Some(Err(error)) => return Err(io::Error::other(error)),
                None => return Ok(()),
            },
            () = desk.work() => {}
            Some(mut line) = said.recv() => {
                line.push('\n');
                output.write_all(line.as_bytes()).await?;
                output.flush().await?;
            }
        }
    }
}
