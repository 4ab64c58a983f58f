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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn call(id: Id, request: Request, allowed: Option<Duration>) -> Call {
        Call { id, request, allowed, caller: mpsc::channel(1).0 }
    }

    fn join(id: Id) -> Call {
        call(id, Request::Join { network: 1 }, Some(5 * SECOND))
    }

    #[test]
    fn the_earliest_deadline_is_due_and_no_one_is_late_before() {
        let (mut calls, now) = (Calls::default(), Instant::now());
        assert_eq!(calls.due(), None);
        calls.insert(join(1), now + SECOND);
        calls.insert(join(2), now);
        calls.insert(call(3, Request::Events { network: 1 }, None), now);
        assert_eq!(calls.due(), Some(now + 5 * SECOND));
        assert!(calls.late(now + 4 * SECOND).is_none());
        assert_eq!(
            calls.late(now + 5 * SECOND).map(|(id, late)| (id, late.method)),
            Some((2, "join"))
        );
        calls.remove(2);
        assert_eq!(calls.due(), Some(now + 6 * SECOND));
    }

    #[test]
    fn a_cancelled_call_has_no_caller_and_a_deadline_of_its_own() {
        let (mut calls, now) = (Calls::default(), Instant::now());
        calls.insert(join(1), now);
        assert!(calls.caller(1).is_some() && !calls.is_one_ending());
        assert!(calls.cancel(1, SECOND, now).is_some());
        assert!(calls.caller(1).is_none() && calls.is_one_ending());
        assert_eq!(calls.due(), Some(now + SECOND));
        assert!(calls.cancel(1, SECOND, now + SECOND).is_none(), "it was told once");
        assert_eq!(calls.due(), Some(now + SECOND));
        calls.remove(1);
        assert!(!calls.is_one_ending());
        assert!(calls.cancel(1, SECOND, now).is_none(), "it has ended");
    }

    #[test]
    fn events_that_end_keep_nobody_waiting() {
        let (mut calls, now) = (Calls::default(), Instant::now());
        calls.insert(call(1, Request::Events { network: 1 }, None), now);
        assert_eq!(calls.due(), None);
        assert!(calls.cancel(1, SECOND, now).is_some());
        assert!(!calls.is_one_ending());
        assert_eq!(calls.due(), Some(now + SECOND), "it must end all the same");
    }
}
