//! One call of the contract, made by the plugin.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use provider_api::{Error, Host, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::link::{Heard, Line, Link, QuestionId, Subject, no_room};
use crate::wire::{Answer, News, Question, Request, RpcError, wrong_shape};

/// As many questions and steps may wait for a caller.
const BACKLOG: usize = 256;

/// Makes a call, and serves the plugin's questions meanwhile. They are served by this future
/// alone, so that nothing is recorded for a call that was dropped.
pub(super) async fn call<T: DeserializeOwned>(
    link: &Arc<Link>,
    request: Request,
    allowed: Option<Duration>,
    host: Option<&dyn Host>,
) -> Result<T> {
    let method = request.method();
    let mut line = link.call(request, allowed, BACKLOG);
    loop {
        match line.next().await {
            Heard::News(News::Progress { step, .. }) => tell(host, step),
            Heard::News(News::Event { .. }) => {}
            Heard::Question(id, question) => serve(&line, host, id, question).await,
            Heard::End(answer) => return shaped(link.subject(), method, answer?),
        }
    }
}

/// The same, for the calls of the contract that are no futures. The thread that waits is one of
/// its own, because this one may be driving futures.
pub(super) fn blocking<T: DeserializeOwned + Send>(
    link: &Arc<Link>,
    request: Request,
) -> Result<T> {
    let allowed = link.subject().limits.of(&request, Duration::ZERO);
    let wait = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| Error::bug(format!("a bare runtime: {error}")))?;
        runtime.block_on(call(link, request, allowed, None))
    };
    thread::scope(|scope| {
        let waiter = thread::Builder::new().spawn_scoped(scope, wait).map_err(no_room)?;
        waiter.join().unwrap_or_else(|_| Err(Error::bug("waiting for a plugin panicked")))
    })
}

fn tell(host: Option<&dyn Host>, step: provider_api::Step) {
    if let Some(host) = host {
        host.progress(step);
    }
}

async fn serve(line: &Line, host: Option<&dyn Host>, id: QuestionId, question: Question) {
    let answer = match host {
        Some(host) => consult(host, line.subject(), question).await,
        None => Err(RpcError::plain(RpcError::PARAMETERS, "this call has nothing to ask")),
    };
    line.answer(id, answer);
}

async fn consult(host: &dyn Host, subject: &Subject, question: Question) -> Answer {
    match question {
        Question::Ledger { .. } => sent(&host.ledger().await?),
        Question::Record { entry, .. } => sent(&host.record(entry).await?),
        Question::Secret { key, .. } => {
            let secret = host.secret(&key).await?;
            secret.iter().for_each(|secret| subject.redactor.remember(secret));
            Ok(secret.map_or(Value::Null, |secret| Value::from(secret.expose())))
        }
    }
}

fn sent(value: &impl Serialize) -> Answer {
    serde_json::to_value(value).map_err(|error| RpcError::from(Error::bug(error.to_string())))
}

fn shaped<T: DeserializeOwned>(subject: &Subject, method: &str, answer: Value) -> Result<T> {
    serde_json::from_value(answer)
        .map_err(|error| subject.clean(wrong_shape(&subject.name, method, &error)))
}
