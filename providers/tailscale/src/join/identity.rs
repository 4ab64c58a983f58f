//! Which login of which daemon this is: what was recorded of one says nothing of another.

use std::path::PathBuf;

use provider_api::{Error, ErrorKind, Ledger, LedgerEntry, Result, Step};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::ClientError;
use crate::network::Tailscale;
use crate::prefs::LOGIN;

/// A login of a daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The daemon's socket.
    socket: PathBuf,
    /// The id that the daemon drew for the login's profile (`ipn/ipnlocal/profiles.go:360`):
    /// it outlives a move, an expiry and a deletion, and ends with a logout. None where nobody
    /// is logged in, or it may not be read.
    profile: Option<String>,
}

/// Whether a ledger is about this login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// As far as we know.
    This,
    /// An earlier one, which somebody has replaced.
    Another,
}

impl Identity {
    /// Whether this ledger is about this login.
    ///
    /// # Errors
    /// Where it is about another daemon's.
    pub(crate) fn compare(&self, ledger: &Ledger) -> Result<About> {
        let Ok(recorded) = serde_json::from_value::<Identity>(ledger.identity.clone()) else {
            return Ok(About::This);
        };
        let is_under_way = ledger.settings.get(LOGIN).is_some_and(|login| !login.restored);
        let is_same = recorded.profile.is_some() && recorded.profile == self.profile;
        if is_same || (is_under_way && recorded.socket == self.socket) {
            return Ok(About::This);
        }
        if recorded.socket != self.socket {
            return Err(other_daemon(&recorded, self));
        }
        let both_known = recorded.profile.is_some() && self.profile.is_some();
        Ok(if both_known { About::Another } else { About::This })
    }

    /// As the ledger keeps it.
    pub(super) fn recorded(&self) -> Value {
        json!(self)
    }
}

impl Tailscale {
    /// The login of our daemon as it is now.
    pub(crate) async fn identity(&self) -> Result<Identity, ClientError> {
        let profile = match self.api.profile().await {
            Err(error) if error.cause.is_gone() => return Err(error),
            // Who may not read it can change nothing either, and is told so there.
            profile => profile.ok().filter(|profile| !profile.is_empty()),
        };
        let socket = &self.settings.socket;
        let socket = socket.canonicalize().unwrap_or_else(|_| socket.clone());
        Ok(Identity { socket, profile })
    }

    /// The ledger of this login: an empty one where somebody has replaced ours.
    pub(super) async fn ledger_of(&self, identity: &Identity) -> Result<Ledger> {
        let ledger = self.host.ledger().await?;
        if identity.compare(&ledger)? == About::This {
            return Ok(ledger);
        }
        let text = "somebody else has logged this node in since; it is adopted as it is";
        self.host.progress(Step::done("adopted", text));
        self.host.record(LedgerEntry::Left).await?;
        self.host.ledger().await
    }
}

fn other_daemon(recorded: &Identity, now: &Identity) -> Error {
    let what = format!(
        "this node joined through the tailscaled at {}, not through that at {}",
        recorded.socket.display(),
        now.socket.display()
    );
    Error::new(ErrorKind::Conflict, "other-daemon", what).fix(format!(
        "to stay, write socket={}\nto change, leave first: moorline leave",
        recorded.socket.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(socket: &str, profile: &str) -> Identity {
        let profile = (!profile.is_empty()).then(|| profile.to_owned());
        Identity { socket: socket.into(), profile }
    }

    fn compared(recorded: &Identity, now: &Identity) -> Result<About, String> {
        let ledger = Ledger { identity: recorded.recorded(), ..Ledger::default() };
        now.compare(&ledger).map_err(|error| error.code)
    }

    #[test]
    fn a_login_by_somebody_else_is_another() {
        let ours = identity("/run/a.sock", "8a1c");
        assert_eq!(compared(&ours, &ours), Ok(About::This));
        assert_eq!(compared(&ours, &identity("/run/a.sock", "77f0")), Ok(About::Another));
    }

    #[test]
    fn nobody_and_nothing_known_are_no_other_login() {
        let (known, unknown) = (identity("/run/a.sock", "8a1c"), identity("/run/a.sock", ""));
        assert_eq!(compared(&known, &unknown), Ok(About::This));
        assert_eq!(compared(&unknown, &known), Ok(About::This));
        assert_eq!(known.compare(&Ledger::default()), Ok(About::This));
    }

    #[test]
    fn another_daemon_is_refused_and_a_moved_socket_is_not() {
        let ours = identity("/run/a.sock", "8a1c");
        for profile in ["", "77f0"] {
            let other = compared(&ours, &identity("/run/b.sock", profile));
            assert_eq!(other, Err("other-daemon".to_owned()));
        }
        assert_eq!(compared(&ours, &identity("/run/b.sock", "8a1c")), Ok(About::This));
    }
}
