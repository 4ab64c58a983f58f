//! The host, as a provider in this process sees it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use provider_api::{Error, ErrorKind, Host, Ledger, LedgerEntry, Result, Secret, Step};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::wire::{Answer, Id, News, Question, notice, request};

tokio::task_local! {
    /// The call that the provider is working on.
    pub(super) static CALL: Id;
}

/// The way to the host: what is said, and the questions that wait for an answer.
#[derive(Clone)]
pub(super) struct Caller {
    said: mpsc::UnboundedSender<String>,
    asked: Arc<Mutex<Asked>>,
}

#[derive(Default)]
struct Asked {
    last: Id,
    open: BTreeMap<Id, oneshot::Sender<Answer>>,
}

impl Caller {
    pub(super) fn new(said: mpsc::UnboundedSender<String>) -> Caller {
        Caller { said, asked: Arc::default() }
    }

    /// Says a line to the host.
    pub(super) fn say(&self, line: String) {
        // Whoever would read it ends with this process.
        let _ = self.said.send(line);
    }

    /// The host answered a question.
    pub(super) fn answered(&self, id: Id, answer: Answer) {
        let asker = self.asked().open.remove(&id);
        // The call may have been cancelled since it asked.
        let _ = asker.map(|asker| asker.send(answer));
    }

    async fn ask<T: DeserializeOwned>(&self, question: Question) -> Result<T> {
        let (asker, answer) = oneshot::channel();
        let id = self.asked().enter(asker);
        self.say(request(id, &question));
        let answer = answer.await.map_err(|_| Error::bug("the host forgot a question"))?;
        let value: Value = answer.map_err(|error| error.meant("host"))?;
        serde_json::from_value(value).map_err(|error| Error::bug(format!("the host: {error}")))
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    fn enter(&mut self, asker: oneshot::Sender<Answer>) -> Id {
        self.open.retain(|_, asker| !asker.is_closed());
        self.last += 1;
        self.open.insert(self.last, asker);
        self.last
    }
}

/// The call that is being worked on.
fn call() -> Result<Id> {
    CALL.try_with(|call| *call).map_err(|_| {
        Error::new(ErrorKind::Bug, "no-call", "the host was asked outside of a call")
            .fix("ask the host from the future of the call, not from a task of its own")
    })
}

#[async_trait]
impl Host for Caller {
    fn progress(&self, step: Step) {
        if let Ok(call) = call() {
            self.say(notice(&News::Progress { call, step }));
        }
    }

    async fn ledger(&self) -> Result<Ledger> {
        self.ask(Question::Ledger { call: call()? }).await
    }

    async fn record(&self, entry: LedgerEntry) -> Result<()> {
        self.ask(Question::Record { call: call()?, entry }).await
    }

    async fn secret(&self, key: &str) -> Result<Option<Secret>> {
        let question = Question::Secret { call: call()?, key: key.to_owned() };
        let value: Option<String> = self.ask(question).await?;
        Ok(value.map(Secret::new))
    }
}
