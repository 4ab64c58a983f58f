//! The side of whoever asks the service.

use std::io::ErrorKind::{ConnectionRefused, NotFound, PermissionDenied};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use provider_api::{Error, ErrorKind, Leave, Result};
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, LinesCodec};
use tokio_util::io::StreamReader;

use super::lines::Lines;
use super::socket;
use super::types::{Failed, Leaving, Line, call};
use crate::host::{Happening, LeaveReport, Reporter, Snapshot, Tasks, UpReport, ending};
use crate::settings::Settings;

/// The largest answer, or line of one, in bytes: thousands of peers.
const LARGEST: usize = 16 << 20;
/// How long a snapshot may take, and a reconcile, which asks other nodes.
const AT_ONCE: Duration = Duration::from_secs(5);
const AFTER_A_WHILE: Duration = Duration::from_secs(60);

/// The way to a service that runs on this machine.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
}

/// An answer, and what carries it.
struct Answer {
    response: Response<Incoming>,
    connection: Tasks,
}

impl Client {
    /// The service that runs here; none where none does.
    ///
    /// # Errors
    /// Where this user may not ask it.
    pub async fn find(run_dir: &Path) -> Result<Option<Client>> {
        let socket = socket::path(run_dir);
        match UnixStream::connect(&socket).await {
            Ok(_) => Ok(Some(Client { socket })),
            Err(error) if matches!(error.kind(), NotFound | ConnectionRefused) => Ok(None),
            Err(error) => Err(unreachable(&socket, &error)),
        }
    }

    /// How things stand, as the service saw them last.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn status(&self) -> Result<Snapshot> {
        self.whole(Method::GET, call::STATUS, AT_ONCE).await
    }

    /// How things stand, after everything was looked at and the other nodes were asked.
    ///
    /// # Errors
    /// Where it does not answer, and for everybody but root.
    pub async fn reconcile(&self) -> Result<Snapshot> {
        self.whole(Method::POST, call::RECONCILE, AFTER_A_WHILE).await
    }

    /// How things stand, and again each time that they change.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn watch(&self) -> Result<Lines<Snapshot>> {
        self.lines(Method::GET, &format!("{}?watch", call::STATUS), Vec::new()).await
    }

    /// Everything that happens from now on.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn events(&self) -> Result<Lines<Happening>> {
        self.lines(Method::GET, call::EVENTS, Vec::new()).await
    }

    /// Has it make these settings true. Dropping the future gives the order up.
    ///
    /// # Errors
    /// Those of [`host::up`](crate::host::up), and where it goes away meanwhile.
    pub async fn up(&self, settings: &Settings, reporter: &dyn Reporter) -> Result<UpReport> {
        self.order(call::UP, json(settings)?, reporter).await
    }

    /// Has it take back what is ours.
    ///
    /// # Errors
    /// Those of [`host::leave`](crate::host::leave), and where it goes away meanwhile.
    pub async fn leave(&self, how: Leave, reporter: &dyn Reporter) -> Result<LeaveReport> {
        self.order(call::LEAVE, json(&Leaving { how })?, reporter).await
    }

    async fn order<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
        reporter: &dyn Reporter,
    ) -> Result<T> {
        let mut lines: Lines<Line<T>> = self.lines(Method::POST, path, body).await?;
        loop {
            match lines.next().await?.ok_or_else(ending)? {
                Line::Step(step) => reporter.step(&step),
                Line::Answer(answer) => return Ok(answer),
                Line::Error(error) => return Err(error),
            }
        }
    }

    async fn whole<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        patience: Duration,
    ) -> Result<T> {
        let answered = async {
            let answer = self.send(method, path, Vec::new()).await?;
            parse(&collect(answer.response).await?)
        };
        timeout(patience, answered).await.map_err(|_| silent(&self.socket))?
    }

    async fn lines<T>(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Lines<T>> {
        let Answer { response, connection } = self.send(method, path, body).await?;
        let bytes = response.into_body().into_data_stream().map_err(std::io::Error::other);
        let lines = LinesCodec::new_with_max_length(LARGEST);
        let lines = FramedRead::new(StreamReader::new(bytes), lines).map_err(|_| ending());
        Ok(Lines { lines: lines.boxed(), _connection: connection, kind: PhantomData })
    }

    /// Sends a request. An answer that tells of a failure is that error.
    async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Answer> {
        let stream = UnixStream::connect(&self.socket).await;
        let stream = stream.map_err(|error| unreachable(&self.socket, &error))?;
        let (mut sender, talk) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let mut connection = Tasks::default();
        connection.start("control connection", async { drop(talk.await) });
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "moorline")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| Error::bug(format!("no request: {error}")))?;
        let response = sender.send_request(request).await.map_err(broken)?;
        if response.status() == StatusCode::OK {
            return Ok(Answer { response, connection });
        }
        Err(self.failure(response).await)
    }

    async fn failure(&self, response: Response<Incoming>) -> Error {
        let status = response.status();
        let told = match collect(response).await {
            Ok(body) => serde_json::from_slice::<Failed>(&body).ok(),
            Err(_) => None,
        };
        told.map_or_else(|| busy(&self.socket, status), |failed| failed.error)
    }
}

async fn collect(response: Response<Incoming>) -> Result<Bytes> {
    let body = Limited::new(response.into_body(), LARGEST).collect().await;
    Ok(body.map_err(|_| ending())?.to_bytes())
}

fn json(told: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(told)
        .map_err(|error| Error::settings("not-text", format!("a setting is no text: {error}")))
}

/// Reads what the service said. It may be of another version.
pub(super) fn parse<T: DeserializeOwned>(said: &[u8]) -> Result<T> {
    serde_json::from_slice(said).map_err(|error| {
        let what = format!("what the service answers is not understood: {error}");
        Error::new(ErrorKind::Unsupported, "service-answer", what)
            .fix("where a newer moorline was installed meanwhile: systemctl restart moorline")
    })
}

fn unreachable(socket: &Path, error: &std::io::Error) -> Error {
    let what = format!("cannot ask the service at {}: {error}", socket.display());
    if error.kind() == PermissionDenied {
        let fix = "run it as root, or as a member of the group moorline where that only reads";
        return Error::new(ErrorKind::Denied, "service-denied", what).fix(fix);
    }
    Error::unavailable("service-silent", what).fix("systemctl status moorline")
}

fn silent(socket: &Path) -> Error {
    let what = format!("the service at {} does not answer", socket.display());
    Error::unavailable("service-silent", what).fix("systemctl status moorline")
}

fn busy(socket: &Path, status: StatusCode) -> Error {
    let what = format!("the service at {} answers {status}", socket.display());
    Error::unavailable("service-busy", what)
        .fix(format!("`fuser {}` shows who else talks to it", socket.display()))
}

fn broken(_: hyper::Error) -> Error {
    ending()
}
