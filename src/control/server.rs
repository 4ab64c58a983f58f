//! The service's side of the control socket.

use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use provider_api::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};

use super::types::{Failed, Leaving, SettingsReport, call};
use super::{feeds, socket};
use crate::host::{Desk, Directories, Order, Snapshot, ending};
use crate::http::{self, Answer, Guest, Handler, Limits};
use crate::settings::Settings;

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";
/// How long a reconcile waits until the other nodes have answered, or been silent.
const PROOF: Duration = Duration::from_secs(10);

/// The control socket, open for guests.
pub struct Server {
    listener: UnixListener,
    limits: Limits,
    desk: Desk,
    directories: Directories,
}

impl Server {
    /// Opens the socket in the run directory.
    ///
    /// # Errors
    /// Where that directory does not let us.
    pub fn open(desk: Desk, directories: Directories) -> Result<Self> {
        let listener = socket::listen_at(&socket::path(&directories.run))?;
        Ok(Server { listener, limits: Limits::default(), desk, directories })
    }

    /// Answers for as long as it is polled. The file stays at the end: the next service may have
    /// put its own there by then.
    pub async fn run(self) {
        let Server { listener, limits, desk, directories } = self;
        let calls = Calls { desk, directories, limits };
        http::serve(listener, limits, &calls).await;
    }
}

/// Why a call is not answered as it was meant.
struct Refused(StatusCode, Error);

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refused(status(error.kind), error)
    }
}

struct Calls {
    desk: Desk,
    directories: Directories,
    limits: Limits,
}

impl Handler for Calls {
    async fn answer(&self, guest: Guest, request: Request<Incoming>) -> Answer {
        let answer = self.call(guest, request).await;
        answer.unwrap_or_else(|Refused(status, error)| json(status, &Failed { error }))
    }
}

impl Calls {
    async fn call(&self, guest: Guest, request: Request<Incoming>) -> Result<Answer, Refused> {
        let path = request.uri().path().to_owned();
        let wanted = method(&path).ok_or_else(|| unknown(&path))?;
        if request.method() != wanted {
            return Err(Refused(StatusCode::METHOD_NOT_ALLOWED, other_method(&path, &wanted)));
        }
        if wanted == Method::POST && !guest.is_master() {
            return Err(forbidden().into());
        }
        match path.as_str() {
            call::STATUS if request.uri().query() == Some("watch") => {
                Ok(lines(feeds::snapshots(self.desk.snapshots())))
            }
            call::STATUS => Ok(ok(&*self.desk.snapshot())),
            call::FINDINGS => Ok(ok(&self.desk.snapshot().all_findings())),
            call::EVENTS => Ok(lines(feeds::happenings(self.desk.happenings()))),
            call::SETTINGS => Ok(ok(&SettingsReport { settings: self.desk.settings().to_vec() })),
            call::RECONCILE => Ok(ok(&*self.reconcile().await?)),
            call::UP => self.up(request).await,
            call::LEAVE => self.leave(request).await,
            _ => Err(unknown(&path)),
        }
    }

    async fn up(&self, request: Request<Incoming>) -> Result<Answer, Refused> {
        let settings: Box<Settings> = self.read(request).await?;
        self.same_place(&settings)?;
        let (steps, told) = mpsc::unbounded_channel();
        let (answer, awaited) = oneshot::channel();
        self.desk.order(Order::Up { settings, steps, answer }).await?;
        Ok(lines(feeds::progress(told, awaited)))
    }

    async fn leave(&self, request: Request<Incoming>) -> Result<Answer, Refused> {
        let Leaving { how } = self.read(request).await?;
        let (steps, told) = mpsc::unbounded_channel();
        let (answer, awaited) = oneshot::channel();
        self.desk.order(Order::Leave { how, steps, answer }).await?;
        Ok(lines(feeds::progress(told, awaited)))
    }

    async fn reconcile(&self) -> Result<Arc<Snapshot>> {
        let (answer, awaited) = oneshot::channel();
        self.desk.order(Order::Reconcile { answer }).await?;
        let first = awaited.await.map_err(|_| ending())?;
        let mut snapshots = self.desk.snapshots();
        if !first.service.asking {
            return Ok(first);
        }
        let answered = snapshots.wait_for(|snapshot| !snapshot.service.asking);
        match tokio::time::timeout(PROOF, answered).await {
            Ok(Ok(snapshot)) => Ok(Arc::clone(&snapshot)),
            Ok(Err(_)) => Err(ending()),
            Err(_) => Ok(first),
        }
    }

    async fn read<T: DeserializeOwned>(&self, request: Request<Incoming>) -> Result<T, Refused> {
        let body = http::body(request, self.limits).await.map_err(|status| {
            let what = status.canonical_reason().unwrap_or("it cannot be read");
            Refused(status, misunderstood(what))
        })?;
        serde_json::from_slice(&body).map_err(|error| misunderstood(&shape(&error)).into())
    }

    /// The service keeps the lock of one state directory, and no other.
    fn same_place(&self, settings: &Settings) -> Result<()> {
        let (own, other) = (&self.directories.state, &settings.state_dir);
        if *own == other.value {
            return Ok(());
        }
        let what = format!(
            "the running service keeps its state in {}, not in {} ({})",
            own.display(),
            other.value.display(),
            other.origin
        );
        let fix = "leave --state-dir out, or stop the service: systemctl stop moorline";
        Err(Error::new(ErrorKind::Conflict, "other-state-dir", what).fix(fix))
    }
}

/// How a call is made; none where there is none of that name.
fn method(path: &str) -> Option<Method> {
    match path {
        call::STATUS | call::FINDINGS | call::EVENTS | call::SETTINGS => Some(Method::GET),
        call::RECONCILE | call::UP | call::LEAVE => Some(Method::POST),
        _ => None,
    }
}

fn unknown(path: &str) -> Refused {
    let what = format!("the service knows no call {path:?}");
    let fix = "GET /v1/status, /v1/findings, /v1/events, /v1/settings; \
               POST /v1/reconcile, /v1/up, /v1/leave";
    Refused(StatusCode::NOT_FOUND, Error::settings("service-call", what).fix(fix))
}

fn other_method(path: &str, wanted: &Method) -> Error {
    Error::settings("service-call", format!("{path} is called otherwise"))
        .fix(format!("{wanted} {path}"))
}

fn forbidden() -> Error {
    let what = "only root may change what the service does; the group moorline may read";
    Error::new(ErrorKind::Denied, "service-root-only", what).fix("run it as root")
}

fn misunderstood(why: &str) -> Error {
    let version = env!("CARGO_PKG_VERSION");
    let what =
        format!("the service, moorline {version}, does not understand what it is told: {why}");
    Error::settings("service-request", what)
        .fix("where a newer moorline was installed meanwhile: systemctl restart moorline")
}

/// What is wrong with a body, without what stands in it: that may be a secret.
fn shape(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Data => "a field is unknown, missing or of another kind",
        Category::Syntax | Category::Eof | Category::Io => "it is no JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Settings | ErrorKind::Unsupported => StatusCode::BAD_REQUEST,
        ErrorKind::Auth | ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Bug => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn ok(answer: &impl Serialize) -> Answer {
    json(StatusCode::OK, answer)
}

fn json(status: StatusCode, answer: &impl Serialize) -> Answer {
    let mut body = serde_json::to_vec(answer).unwrap_or_default();
    body.push(b'\n');
    http::whole(status, JSON, body)
}

fn lines<T: Serialize + 'static>(all: impl Stream<Item = T> + Send + 'static) -> Answer {
    http::bits(LINES, feeds::lines(all))
}
