//! HTTP/1.1 for guests on this machine: one request a connection, with bounds on its size, its
//! time and the number of guests.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::{FutureExt, Stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;

/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What a guest is told.
pub(crate) type Answer = Response<Body>;

/// How much a guest may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How many guests of one kind there may be at once.
    pub(crate) seats: usize,
    /// The size of a request's head, in bytes; at least 8 KiB.
    pub(crate) head: usize,
    /// The size of its body, in bytes.
    pub(crate) body: usize,
    /// How long its head, its body, and the next bite of an answer may take.
    pub(crate) patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let patience = Duration::from_secs(5);
        Limits { seats: 16, head: 16 << 10, body: 64 << 10, patience }
    }
}

/// Who comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guest {
    /// A process of this user, as the kernel says.
    User(u32),
    /// Somebody on this machine.
    Anybody,
}

impl Guest {
    /// Whether it is root, or whoever runs this process.
    pub(crate) fn is_master(self) -> bool {
        match self {
            Guest::User(user) => user == 0 || user == rustix::process::geteuid().as_raw(),
            Guest::Anybody => false,
        }
    }
}

/// Where guests come in.
pub(crate) trait Door {
    /// What is talked over.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin;

    /// The next guest.
    fn next(&self) -> impl Future<Output = io::Result<(Self::Stream, Guest)>> + Send;
}

impl Door for UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn next(&self) -> io::Result<(Self::Stream, Guest)> {
        let (stream, _) = self.accept().await?;
        let user = stream.peer_cred()?.uid();
        Ok((stream, Guest::User(user)))
    }
}

impl Door for TcpListener {
    type Stream = tokio::net::TcpStream;

    async fn next(&self) -> io::Result<(Self::Stream, Guest)> {
        Ok((self.accept().await?.0, Guest::Anybody))
    }
}

/// Answers guests.
pub(crate) trait Handler: Send + Sync {
    /// The answer to one request.
    fn answer(
        &self,
        guest: Guest,
        request: Request<Incoming>,
    ) -> impl Future<Output = Answer> + Send;
}

/// How long to wait after a guest could not be let in, as where no file can be opened any more.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers guests for as long as it is polled. Who finds no seat is told so. Root's seats are its
/// own: nobody else can keep it out.
pub(crate) async fn serve(door: impl Door, limits: Limits, handler: &impl Handler) {
    let mut masters = FuturesUnordered::new();
    let mut others = FuturesUnordered::new();
    loop {
        tokio::select! {
            come = door.next() => match come {
                Ok((stream, guest)) => {
                    let seated = if guest.is_master() { &masters } else { &others };
                    if seated.len() >= limits.seats {
                        turn_away(stream);
                        continue;
                    }
                    seated.push(talk(stream, guest, limits, handler));
                }
                Err(error) => {
                    tracing::warn!(%error, "a guest could not come in");
                    sleep(PAUSE).await;
                }
            },
            Some(()) = masters.next(), if !masters.is_empty() => {}
            Some(()) = others.next(), if !others.is_empty() => {}
        }
    }
}

/// One request and its answer.
async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    guest: Guest,
    limits: Limits,
    handler: &impl Handler,
) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.patience));
    let service =
        service_fn(
            |request| async move { Ok::<_, Infallible>(handler.answer(guest, request).await) },
        );
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.patience)
        .max_buf_size(limits.head)
        .keep_alive(false)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    if let Err(error) = connection.await {
        tracing::debug!(?guest, %error, "a guest went away");
    }
}

const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Says it in what the socket takes at once, and closes.
fn turn_away(mut stream: impl AsyncWrite + Unpin) {
    drop(stream.write_all(FULL).now_or_never());
}

/// Reads a request's body.
///
/// # Errors
/// The status that says what is wrong with it.
pub(crate) async fn body(request: Request<Incoming>, limits: Limits) -> Result<Bytes, StatusCode> {
    let body = Limited::new(request.into_body(), limits.body).collect();
    match timeout(limits.patience, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// An answer that is all there.
pub(crate) fn whole(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    answer(status, kind, Full::new(body.into()).boxed_unsync())
}

/// An answer that comes bit by bit.
pub(crate) fn bits(kind: &'static str, bits: impl Stream<Item = Bytes> + Send + 'static) -> Answer {
    let frames = bits.map(|bit| Ok(Frame::data(bit)));
    answer(StatusCode::OK, kind, StreamBody::new(frames).boxed_unsync())
}

fn answer(status: StatusCode, kind: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    answer
}

#[cfg(test)]
mod tests;
