//! The calls that are under way. Pure: told the time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::link::{Call, Heard};
use crate::wire::{Id, Request};

/// The calls that are under way, by their numbers.
#[derive(Default)]
pub(super) struct Calls(BTreeMap<Id, Pending>);

/// A call that the plugin has not answered.
pub(super) struct Pending {
    pub(super) method: &'static str,
    pub(super) allowed: Option<Duration>,
    /// None once it is cancelled.
    pub(super) caller: Option<mpsc::Sender<Heard>>,
    until: Option<Instant>,
    /// Whether it may change things, so that none must begin before it has ended.
    weighty: bool,
}

impl Calls {
    /// This call was sent.
    pub(super) fn insert(&mut self, call: Call, now: Instant) {
        let Call { id, request, allowed, caller } = call;
        let pending = Pending {
            method: request.method(),
            allowed,
            caller: Some(caller),
            until: allowed.map(|allowed| now + allowed),
            weighty: !matches!(request, Request::Events { .. }),
        };
        self.0.insert(id, pending);
    }

    /// Who waits for this call.
    pub(super) fn caller(&self, id: Id) -> Option<&mpsc::Sender<Heard>> {
        self.0.get(&id)?.caller.as_ref()
    }

    /// This call was answered.
    pub(super) fn remove(&mut self, id: Id) -> Option<Pending> {
        self.0.remove(&id)
    }

    /// The call is to end within `grace`. Returns who waited for it; none where nobody did, and
    /// then there is nothing to tell the plugin.
    pub(super) fn cancel(
        &mut self,
        id: Id,
        grace: Duration,
        now: Instant,
    ) -> Option<mpsc::Sender<Heard>> {
        let pending = self.0.get_mut(&id)?;
        let caller = pending.caller.take()?;
        pending.until = Some(now + grace);
        Some(caller)
    }

    /// Whether a call was cancelled and has not ended: until then no other may begin.
    pub(super) fn is_one_ending(&self) -> bool {
        self.0.values().any(|pending| pending.weighty && pending.caller.is_none())
    }

    /// When the next of them is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.values().filter_map(|pending| pending.until).min()
    }

    /// One that should have ended by now.
    pub(super) fn late(&self, now: Instant) -> Option<(Id, &Pending)> {
        let mut all = self.0.iter().map(|(id, pending)| (*id, pending));
        all.find(|(_, pending)| pending.until.is_some_and(|until| until <= now))
    }

    /// Takes all of them, in their order.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Pending> + use<> {
        std::mem::take(&mut self.0).into_values()
    }
}
