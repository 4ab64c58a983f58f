//! The way from the calls to the thread that talks with the plugin.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use provider_api::{CONTRACT_VERSION, Error, Result};
use serde_json::Value;
use tokio::sync::mpsc;

use super::limits::Limits;
use super::redactor::Redactor;
use super::session::{Session, Subject};
use crate::wire::{Answer, Id, Initialize, News, PROTOCOL_VERSION, Question, Request};

use std::sync::Arc;

/// As many questions and steps may wait for a caller.
const BACKLOG: usize = 256;

/// A plugin, for everybody who calls it. The thread behind it ends when it is dropped.
pub(super) struct Link {
    subject: Arc<Subject>,
    orders: Option<mpsc::UnboundedSender<Order>>,
    numbers: AtomicU64,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is asked to do.
pub(super) enum Order {
    /// Make this call.
    Call(Call),
    /// Answer this question.
    Answer { question: QuestionId, answer: Answer },
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

/// A call under way. Dropping it cancels the call.
pub(super) struct Line<'a> {
    link: &'a Link,
    id: Id,
    heard: mpsc::Receiver<Heard>,
    over: bool,
}
