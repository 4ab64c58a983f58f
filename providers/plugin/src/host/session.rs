//! The thread that talks with a plugin: starts its process, passes messages, keeps the time.

mod greeting;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use provider_api::{Error, Manifest, ProviderSettings, Result};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::sleep_until;

use super::backoff::Backoff;
use super::calls::Calls;
use super::child::{Child, Said};
use super::fault::Fault;
use super::link::{Call, Heard, Order, QuestionId, Subject};
use crate::wire::{
    Answer, Id, Line, News, Notice, Question, Request, RpcError, Unreadable, answer, notice,
    request,
};

/// Everything that is known of a plugin, whichever of its processes runs.
pub(super) struct Session {
    subject: Arc<Subject>,
    child: Option<Child>,
    children: u64,
    backoff: Backoff,
    /// What ended the last process.
    ended: Option<Error>,
    /// What the first process said of itself.
    manifest: Option<Manifest>,
    /// The networks that are open, to be opened again in a new process.
    networks: BTreeMap<u64, Box<ProviderSettings>>,
    /// Those that the new process would not open again.
    refused: BTreeMap<u64, Error>,
    calls: Calls,
    /// Calls that wait until a cancelled one has ended.
    held: VecDeque<Call>,
}

impl Session {
    pub(super) fn new(subject: Arc<Subject>) -> Session {
        let backoff = Backoff::new(subject.limits.backoff, subject.limits.backoff_most);
        Session {
            subject,
            child: None,
            children: 0,
            backoff,
            ended: None,
            manifest: None,
            networks: BTreeMap::new(),
            refused: BTreeMap::new(),
            calls: Calls::default(),
            held: VecDeque::new(),
        }
    }

    /// Works until nobody needs the plugin any longer, and then ends it: also in the middle of
    /// its start, or of whatever else it takes long for.
    pub(super) async fn run(mut self, orders: mpsc::UnboundedReceiver<Order>) {
        let subject = Arc::clone(&self.subject);
        tokio::select! {
            () = self.work(orders) => {}
            () = subject.over.notified() => {}
        }
        if let Some(child) = self.child {
            child.end().await;
        }
    }

    async fn work(&mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        loop {
            tokio::select! {
                Some(order) = orders.recv() => self.take(order).await,
                said = next(&mut self.child) => self.heard(said).await,
                () = at(self.calls.due()) => self.expire().await,
            }
            self.release().await;
        }
    }

    async fn take(&mut self, order: Order) {
        match order {
            Order::Call(call) => self.call(call).await,
            Order::Answer(question, answer) => self.answer(question, &answer),
            Order::Cancel(id) => self.cancel(id),
            Order::Close(network) => self.close(network),
        }
    }

    /// Makes a call, unless another must end first. Starts the plugin where it does not run.
    async fn call(&mut self, call: Call) {
        if self.calls.is_one_ending() {
            return self.held.push_back(call);
        }
        if call.caller.is_closed() {
            return;
        }
        if let Err(error) = self.ready().await {
            return end(&call.caller, Err(error));
        }
        if matches!(call.request, Request::Initialize(_)) {
            return end(&call.caller, self.introduced());
        }
        if let Some(error) = call.request.network().and_then(|number| self.refused.get(&number)) {
            return end(&call.caller, Err(error.clone()));
        }
        if let Request::Open { network, settings } = &call.request {
            self.networks.insert(*network, settings.clone());
        }
        tracing::trace!(plugin = %self.subject.name, id = call.id, "{}", call.request.method());
        self.send(&request(call.id, &call.request));
        self.calls.insert(call, Instant::now());
    }

    /// Makes the calls that had to wait.
    async fn release(&mut self) {
        while !self.calls.is_one_ending()
            && let Some(call) = self.held.pop_front()
        {
            self.call(call).await;
        }
    }

    fn answer(&mut self, question: QuestionId, given: &Answer) {
        let current = self.child.as_ref().is_some_and(|child| child.number == question.child);
        if current {
            self.send(&answer(question.id, given));
        }
    }

    fn cancel(&mut self, id: Id) {
        if self.calls.cancel(id, self.subject.limits.end, Instant::now()).is_some() {
            self.send(&notice(&Notice::Cancel { call: id }));
        }
    }

    fn close(&mut self, network: u64) {
        self.refused.remove(&network);
        if self.networks.remove(&network).is_some() {
            self.send(&notice(&Notice::Close { network }));
        }
    }

    fn send(&mut self, line: &str) {
        if let Some(child) = &mut self.child {
            child.send(line);
        }
    }

    fn introduced(&self) -> Result<Value> {
        let manifest = self.manifest.as_ref().map(serde_json::to_value);
        manifest
            .and_then(std::result::Result::ok)
            .ok_or_else(|| Error::bug("a plugin that runs and was never introduced"))
    }

    async fn heard(&mut self, said: Result<Said, Fault>) {
        let fault = match said {
            Ok(Ok(line)) => self.pass(line),
            Ok(Err(unreadable)) => self.refuse(unreadable),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = fault {
            self.bury(fault).await;
        }
    }

    /// Hands a message on to the call that it belongs to.
    fn pass(&mut self, line: Line<Question, News>) -> Result<(), Fault> {
        match line {
            Line::Answer { id, answer } => self.finish(id, answer),
            Line::Request { id, request } => {
                self.ask(id, request);
                Ok(())
            }
            Line::Notice(news) => self.tell(news),
        }
    }

    fn finish(&mut self, id: Id, answer: Answer) -> Result<(), Fault> {
        let pending = self.calls.remove(id);
        let pending = pending
            .ok_or_else(|| Fault::Nonsense(format!("it answered request {id}, which is none")))?;
        if let Some(caller) = pending.caller {
            end(&caller, answer.map_err(|error| self.meant(error)));
        }
        Ok(())
    }

    fn ask(&mut self, id: Id, question: Question) {
        let Some(child) = &self.child else { return };
        let (call, number) = (question.call(), QuestionId { child: child.number, id });
        let sent = match self.calls.caller(call) {
            Some(caller) => caller.try_send(Heard::Question(number, question)).is_ok(),
            None => false,
        };
        if !sent {
            let message = format!("no call {call} listens");
            self.answer(number, &Err(RpcError::plain(RpcError::PARAMETERS, message)));
        }
    }

    fn tell(&mut self, news: News) -> Result<(), Fault> {
        let (call, is_tick) = match &news {
            News::Progress { call, .. } => (*call, false),
            News::Event { call, .. } => (*call, true),
        };
        let Some(caller) = self.calls.caller(call) else { return Ok(()) };
        match caller.try_send(Heard::News(news)) {
            Err(TrySendError::Full(_)) if !is_tick => {
                Err(Fault::Flood("more steps at once than anybody could follow".into()))
            }
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Closed(_)) => Ok(()),
        }
    }

    /// Answers a request that makes no sense. Anything else that makes none cannot be answered.
    fn refuse(&mut self, unreadable: Unreadable) -> Result<(), Fault> {
        let Unreadable { id, error } = unreadable;
        match id {
            Some(id) if [RpcError::NO_METHOD, RpcError::PARAMETERS].contains(&error.code) => {
                self.send(&answer(id, &Err(error)));
                Ok(())
            }
            Some(_) | None => Err(Fault::Nonsense(error.message)),
        }
    }

    /// Gives up the calls that are late; and the plugin, where one of them was told to end.
    async fn expire(&mut self) {
        while let Some((id, late)) = self.calls.late(Instant::now()) {
            let limits = &self.subject.limits;
            let after = late.allowed.unwrap_or(limits.end);
            let fault = Fault::Hung { method: late.method, after };
            let error = fault.error(&self.subject.name);
            match self.calls.cancel(id, limits.end, Instant::now()) {
                None => return self.bury(fault).await,
                Some(caller) => {
                    end(&caller, Err(error));
                    self.send(&notice(&Notice::Cancel { call: id }));
                }
            }
        }
    }

    /// Ends the process, and every call with it.
    async fn bury(&mut self, fault: Fault) {
        let Some(child) = self.child.take() else { return };
        let started = child.started;
        child.kill().await;
        let error = self.mourn(fault.error(&self.subject.name), started);
        for pending in self.calls.take() {
            if let Some(caller) = pending.caller {
                end(&caller, Err(error.clone()));
            }
        }
    }

    /// The error that the plugin meant.
    fn meant(&self, error: RpcError) -> Error {
        self.subject.clean(error.meant(&self.subject.name))
    }

    /// A process is of no use any longer: says why, to be told to everybody.
    fn mourn(&mut self, error: Error, started: Instant) -> Error {
        let error = self.subject.clean(error);
        tracing::debug!(plugin = %self.subject.name, "{error}");
        self.backoff.died(started, Instant::now());
        self.ended = Some(error.clone());
        error
    }
}

/// Ends a call. Nobody need wait for it any longer; one that did not even listen to what came
/// before finds the channel closed.
fn end(caller: &mpsc::Sender<Heard>, answer: Result<Value>) {
    let _ = caller.try_send(Heard::End(answer));
}

async fn next(child: &mut Option<Child>) -> Result<Said, Fault> {
    match child {
        Some(child) => child.next().await,
        None => std::future::pending().await,
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
