//! The way from the calls to the thread that talks with the plugin.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use provider_api::{CONTRACT_VERSION, Error, Result};
use serde_json::Value;
use tokio::sync::{Notify, mpsc};

use super::limits::Limits;
use super::redactor::Redactor;
use super::session::Session;
use crate::wire::{Answer, Id, Initialize, News, PROTOCOL_VERSION, Question, Request};

/// A plugin, for everybody who calls it. Its thread ends, and the plugin with it, when this is
/// dropped.
pub(super) struct Link {
    subject: Arc<Subject>,
    orders: mpsc::UnboundedSender<Order>,
    thread: Option<JoinHandle<()>>,
}

/// Which plugin it is, and what everybody knows of it.
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) executable: std::path::PathBuf,
    pub(super) limits: Limits,
    pub(super) redactor: Redactor,
    /// Nobody needs the plugin any longer.
    pub(super) over: Notify,
    numbers: AtomicU64,
}

/// What the thread is asked to do.
pub(super) enum Order {
    /// Make this call.
    Call(Call),
    /// Answer this question.
    Answer(QuestionId, Answer),
    /// Nobody waits for this call any longer.
    Cancel(Id),
    /// Nobody uses this network any longer.
    Close(u64),
}

/// One call, on its way to the plugin.
pub(super) struct Call {
    pub(super) id: Id,
    pub(super) request: Request,
    pub(super) allowed: Option<Duration>,
    pub(super) caller: mpsc::Sender<Heard>,
}

/// What the caller hears of its call.
#[derive(Debug)]
pub(super) enum Heard {
    Question(QuestionId, Question),
    News(News),
    End(Result<Value>),
}

/// A question of one child: its successor would not know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QuestionId {
    pub(super) child: u64,
    pub(super) id: Id,
}

impl Subject {
    /// A number that no request had before.
    pub(super) fn number(&self) -> Id {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// How the host introduces itself.
    pub(super) fn introduction(&self) -> Request {
        Request::Initialize(Initialize {
            protocols: vec![PROTOCOL_VERSION],
            contract: CONTRACT_VERSION,
            host: concat!("moorline ", env!("CARGO_PKG_VERSION")).to_owned(),
        })
    }

    /// An error that may quote the plugin, without its secrets.
    pub(super) fn clean(&self, error: Error) -> Error {
        let clean = |text: String| self.redactor.clean(&text).into_owned();
        Error { what: clean(error.what), fix: error.fix.map(clean), ..error }
    }
}

impl Link {
    /// Starts the thread; the plugin is started by the first call.
    ///
    /// # Errors
    /// Where the system has no room for a thread.
    pub(super) fn new(name: &str, executable: &Path, limits: Limits) -> Result<Link> {
        let subject = Arc::new(Subject {
            name: name.to_owned(),
            executable: executable.to_owned(),
            limits,
            redactor: Redactor::default(),
            over: Notify::new(),
            numbers: AtomicU64::new(1),
        });
        let (orders, taken) = mpsc::unbounded_channel();
        let session = Session::new(Arc::clone(&subject));
        let thread = thread::Builder::new().name(format!("plugin {name}"));
        let thread = thread.spawn(move || drive(session, taken)).map_err(no_room)?;
        Ok(Link { subject, orders, thread: Some(thread) })
    }

    /// Which plugin it is.
    pub(super) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Sends a call off. As much of what is said about it as `backlog` may wait for the caller.
    pub(super) fn call(
        self: &Arc<Self>,
        request: Request,
        allowed: Option<Duration>,
        backlog: usize,
    ) -> Line {
        let id = self.subject.number();
        let (caller, heard) = mpsc::channel(backlog);
        self.order(Order::Call(Call { id, request, allowed, caller }));
        Line { link: Arc::clone(self), id, heard, over: false }
    }

    /// Says that nobody uses this network any longer.
    pub(super) fn close(&self, network: u64) {
        self.order(Order::Close(network));
    }

    fn order(&self, order: Order) {
        // Without a thread, the call's own channel closes, and so says it.
        let _ = self.orders.send(order);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.subject.over.notify_one();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A call under way. Dropping it cancels the call.
pub(super) struct Line {
    link: Arc<Link>,
    id: Id,
    heard: mpsc::Receiver<Heard>,
    over: bool,
}

impl Line {
    /// What is said about the call next. Nothing comes after [`Heard::End`].
    pub(super) async fn next(&mut self) -> Heard {
        let heard = self.heard.recv().await.unwrap_or_else(|| Heard::End(Err(self.silence())));
        self.over |= matches!(heard, Heard::End(_));
        heard
    }

    /// Answers a question of this call.
    pub(super) fn answer(&self, question: QuestionId, answer: Answer) {
        self.link.order(Order::Answer(question, answer));
    }

    /// Which plugin it is.
    pub(super) fn subject(&self) -> &Subject {
        &self.link.subject
    }

    /// The thread could not begin, or the caller did not listen in time.
    fn silence(&self) -> Error {
        let what = format!("nobody answers for the plugin {}", self.link.subject.name);
        Error::unavailable("plugin-start", what).fix("moorline -vv says why")
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.over {
            self.link.order(Order::Cancel(self.id));
        }
    }
}

fn drive(session: Session, orders: mpsc::UnboundedReceiver<Order>) {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(session.run(orders)),
        Err(error) => tracing::error!("no event loop for a plugin: {error}"),
    }
}

/// The system has no thread to spare.
pub(super) fn no_room(error: std::io::Error) -> Error {
    Error::unavailable("plugin-start", format!("no thread for a plugin: {error}"))
        .fix("ulimit -u; moorline needs one thread for a plugin")
}
