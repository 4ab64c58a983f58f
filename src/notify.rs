//! What the service tells its supervisor (sd_notify(3)): systemd, or any other that gives it a
//! socket in `NOTIFY_SOCKET`. Where none does, nothing is told.

use std::time::Duration;

use sd_notify::NotifyState;

/// The node is joined: what was ordered after the service may start.
pub fn ready() {
    tell(&NotifyState::Ready);
}

/// How the service gets on, in a few words, as `systemctl status` shows it.
pub fn status(words: &str) {
    tell(&NotifyState::Status(&one_line(words)));
}

/// The service is alive; see [`watchdog`].
pub fn alive() {
    tell(&NotifyState::Watchdog);
}

/// The service is about to end.
pub fn stopping() {
    tell(&NotifyState::Stopping);
}

/// How often [`alive`] is to be called: twice as often as the supervisor demands. None where it
/// does not watch.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|longest| longest / 2)
}

/// A supervisor that does not listen takes nothing away from the service.
fn tell(what: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(what)) {
        tracing::debug!(%error, "the supervisor was not told");
    }
}

/// Each line of a message is a field of its own: words from elsewhere must not add one.
fn one_line(words: &str) -> String {
    words.split(['\n', '\r']).map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_add_no_field() {
        assert_eq!(one_line("joined\nREADY=1\r\nx"), "joined READY=1  x");
    }

    /// The test's own process has no supervisor, and its environment cannot be changed.
    #[test]
    fn without_a_supervisor_nothing_is_told() {
        ready();
        assert_eq!(watchdog(), None);
    }
}
