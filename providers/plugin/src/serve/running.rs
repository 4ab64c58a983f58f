//! The calls that a plugin is working on.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable, Aborted};
use futures_util::stream::FuturesUnordered;
use provider_api::{Event, Network};
use serde_json::Value;

use super::caller::{CALL, Caller};
use super::desk::sent;
use crate::wire::{Answer, Id, News, Request, RpcError, notice};

/// The calls under way, each to be stopped by its number.
#[derive(Default)]
pub(super) struct Running {
    calls: FuturesUnordered<BoxFuture<'static, (Id, Answer)>>,
    stops: BTreeMap<Id, AbortHandle>,
}

impl Running {
    /// Begins this call.
    pub(super) fn begin(&mut self, id: Id, work: impl Future<Output = Answer> + Send + 'static) {
        let (stop, stopped) = AbortHandle::new_pair();
        self.stops.insert(id, stop);
        let work = Abortable::new(CALL.scope(id, work), stopped);
        self.calls.push(Box::pin(async move { (id, work.await.unwrap_or_else(cancelled)) }));
    }

    /// Stops this call where it is.
    pub(super) fn cancel(&mut self, id: Id) {
        if let Some(stop) = self.stops.get(&id) {
            stop.abort();
        }
    }

    /// The next call that ends, and its answer; waits for ever while there is none.
    pub(super) async fn ended(&mut self) -> (Id, Answer) {
        match self.calls.next().await {
            Some((id, answer)) => {
                self.stops.remove(&id);
                (id, answer)
            }
            None => std::future::pending().await,
        }
    }
}

fn cancelled(_: Aborted) -> Answer {
    Err(RpcError::plain(RpcError::CANCELLED, "the host cancelled this call"))
}

/// What a call of a network comes to. Events are listened to from now on, not only once the
/// future is polled: what the host does next must not be missed.
pub(super) fn work(
    network: Arc<dyn Network>,
    request: Request,
    call: Id,
    caller: Caller,
) -> BoxFuture<'static, Answer> {
    if let Request::Events { .. } = request {
        let events = network.events();
        return Box::pin(tell(events, call, caller));
    }
    Box::pin(async move {
        match request {
            Request::Initialize(_)
            | Request::Open { .. }
            | Request::Policy(_)
            | Request::Events { .. } => Ok(Value::Null),
            Request::Plan { want, .. } => sent(network.plan(&want).await),
            Request::Join { .. } => sent(network.join().await),
            Request::Apply { want, .. } => sent(network.apply(&want).await),
            Request::Observe { .. } => sent(network.observe().await),
            Request::Repair { what, .. } => sent(network.repair(what).await),
            Request::Leave { how, .. } => sent(network.leave(how).await),
            Request::Diagnose { .. } => sent(Ok(network.diagnose().await)),
        }
    })
}

async fn tell(mut events: BoxStream<'static, Event>, call: Id, caller: Caller) -> Answer {
    while let Some(event) = events.next().await {
        caller.say(notice(&News::Event { call, event }));
    }
    Ok(Value::Null)
}
