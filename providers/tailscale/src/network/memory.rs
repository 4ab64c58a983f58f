//! What one call leaves for the next. Lost with the process, and nothing is wrong then.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::firewall::Judged;
use super::observe::Told;
use crate::client::{State, Status};

/// How long a node may be without its control server before it counts as stuck: its own
/// attempts take 20 s each (seen with 1.102.3).
const STUCK: Duration = Duration::from_secs(25);

/// How long a daemon that runs may be without its interface before it counts as broken: one
/// whose interface was deleted ends, but sometimes hangs on its way (seen with 1.102.3).
const BARE: Duration = Duration::from_secs(1);

/// The memory that all calls share.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Memory>>);

/// What one call leaves for the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// When this node's own entry was last asked for anew, with no change of ours since.
    pub(super) refreshed: Option<Instant>,
    /// When we last changed a preference.
    pub(super) changed: Option<Instant>,
    /// What the control server's own API told last.
    pub(super) told: Option<Told>,
    /// Whether there was a look before.
    pub(super) has_looked: bool,
    /// What the firewall's rules said when they were last listed.
    pub(super) firewall: Option<Judged>,
    /// Whether the node had a login, and what came of it.
    pub(super) login: Login,
    offline_since: Option<Instant>,
    had_link: bool,
    bare_since: Option<Instant>,
}

/// Whether the node had a login when its daemon went away. Nobody can log a node out while
/// nothing is there to do it: a daemon that comes back without the login has lost its state.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Login {
    was_there: bool,
    went_away: bool,
}

impl Shared {
    pub(super) fn with<T>(&self, use_it: impl FnOnce(&mut Memory) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Memory {
    pub(super) fn note_change(&mut self) {
        self.refreshed = None;
        self.told = None;
        self.changed = Some(Instant::now());
    }

    /// Whether the node has been without its control server for so long that it will not find
    /// it again by itself, as this status has it.
    pub(super) fn is_stuck(&mut self, status: &Status, now: Instant) -> bool {
        let online = status.this.as_ref().is_some_and(|this| this.online);
        let is_offline = status.backend_state == State::Running && !online;
        self.offline_since = is_offline.then(|| self.offline_since.unwrap_or(now));
        self.offline_since.is_some_and(|since| now.duration_since(since) >= STUCK)
    }

    /// Whether the daemon has lost the interface that it had, and for so long that it gets none
    /// any more. It says that it runs, or starts, all the while.
    pub(super) fn is_bare(&mut self, status: &Status, has_link: bool, now: Instant) -> bool {
        let runs = matches!(status.backend_state, State::Running | State::Starting);
        self.had_link = has_link || self.had_link && runs;
        let is_bare = runs && self.had_link && !has_link;
        self.bare_since = is_bare.then(|| self.bare_since.unwrap_or(now));
        self.bare_since.is_some_and(|since| now.duration_since(since) >= BARE)
    }

    /// Whether the daemon had lost its interface when it was last looked at.
    pub(super) fn has_lost_link(&self) -> bool {
        self.bare_since.is_some()
    }

    /// The daemon went away.
    pub(super) fn daemon_away(&mut self) {
        self.login.daemon_away();
        (self.had_link, self.bare_since) = (false, None);
    }
}

impl Login {
    /// The daemon went away.
    pub(super) fn daemon_away(&mut self) {
        self.went_away = true;
    }

    /// Takes in how the node stands. Returns whether the daemon lost its state.
    pub(super) fn saw(&mut self, status: &Status) -> bool {
        if status.have_node_key {
            *self = Login { was_there: true, went_away: false };
        } else if status.backend_state == State::NeedsLogin && !self.went_away {
            *self = Login::default();
        }
        let needs_login = status.backend_state == State::NeedsLogin && !status.have_node_key;
        needs_login && self.was_there && self.went_away
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(state: &str, have_node_key: bool) -> Status {
        let status = json!({"BackendState": state, "HaveNodeKey": have_node_key});
        serde_json::from_value(status).unwrap()
    }

    #[test]
    fn a_login_that_went_with_the_daemon_is_lost_state() {
        let mut login = Login::default();
        assert!(!login.saw(&status("Running", true)));
        login.daemon_away();
        assert!(!login.saw(&status("NoState", false)));
        assert!(login.saw(&status("NeedsLogin", false)));
        assert!(login.saw(&status("NeedsLogin", false)), "until it is there again");
        assert!(!login.saw(&status("Running", true)));
    }

    #[test]
    fn a_logout_is_none_also_where_the_daemon_is_started_anew() {
        let mut login = Login::default();
        login.saw(&status("Running", true));
        assert!(!login.saw(&status("NeedsLogin", false)));
        login.daemon_away();
        assert!(!login.saw(&status("NeedsLogin", false)));
    }

    #[test]
    fn who_never_saw_the_login_cannot_tell() {
        let mut login = Login::default();
        login.daemon_away();
        assert!(!login.saw(&status("NeedsLogin", false)));
    }

    #[test]
    fn a_node_is_stuck_after_a_while_without_its_control_server() {
        let (mut memory, now) = (Memory::default(), Instant::now());
        let of = |online: bool| {
            let running = json!({"BackendState": "Running", "Self": {"Online": online}});
            serde_json::from_value::<Status>(running).unwrap()
        };
        assert!(!memory.is_stuck(&of(false), now));
        assert!(memory.is_stuck(&of(false), now + STUCK));
        assert!(!memory.is_stuck(&of(true), now + STUCK));
        assert!(!memory.is_stuck(&of(false), now + STUCK));
    }

    #[test]
    fn a_daemon_without_its_interface_is_broken_after_a_moment() {
        let (mut memory, now) = (Memory::default(), Instant::now());
        let of =
            |state: &str| serde_json::from_value::<Status>(json!({"BackendState": state})).unwrap();
        assert!(!memory.is_bare(&of("Starting"), false, now));
        assert!(!memory.is_bare(&of("Starting"), false, now + BARE), "it never had one");
        assert!(!memory.is_bare(&of("Running"), true, now));
        assert!(!memory.is_bare(&of("Starting"), false, now) && memory.has_lost_link());
        assert!(memory.is_bare(&of("Starting"), false, now + BARE));
        assert!(!memory.is_bare(&of("Stopped"), false, now + BARE * 2), "switched off, not broken");
        assert!(!memory.is_bare(&of("Running"), true, now) && !memory.has_lost_link());
        memory.daemon_away();
        assert!(!memory.is_bare(&of("Starting"), false, now + BARE), "another daemon");
    }
}
