//! What the service tells its supervisor (sd_notify(3)): systemd, or any other that gives it a
//! socket in `NOTIFY_SOCKET`. Where none does, nothing is told.

use std::sync::Arc;
use std::time::Duration;

use provider_api::Severity;
use sd_notify::NotifyState;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use crate::host::Snapshot;
use crate::stage::Stage;

/// A loop that published nothing for so long hangs: it looks at everything once a minute.
const HUNG: Duration = Duration::from_secs(300);

/// Tells how the service gets on, for as long as it is polled: that it is ready, once the node is
/// joined; what `systemctl status` shows; and that it is alive, while it goes on publishing.
pub async fn follow(mut snapshots: Receiver<Arc<Snapshot>>) {
    let watchdog = sd_notify::watchdog_enabled().map(|longest| longest / 2);
    let mut heard = Instant::now();
    let mut due = heard;
    let mut is_ready = false;
    loop {
        let next = watchdog.map(|interval| due + interval);
        tokio::select! {
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return;
                }
                heard = Instant::now();
                let snapshot = Arc::clone(&snapshots.borrow_and_update());
                if !is_ready && stage(&snapshot) >= Stage::Joined {
                    is_ready = true;
                    tell(&NotifyState::Ready);
                }
                tell(&NotifyState::Status(&one_line(&words(&snapshot))));
            }
            () = sleep_until(next.unwrap_or(heard)), if next.is_some() => {
                due = Instant::now();
                if due < heard + HUNG {
                    tell(&NotifyState::Watchdog);
                }
            }
        }
    }
}

/// The service is about to end.
pub fn stopping() {
    tell(&NotifyState::Stopping);
}

fn stage(snapshot: &Snapshot) -> Stage {
    snapshot.status.as_ref().map_or(Stage::Apart, |status| status.stage)
}

/// The stage, and the worst that is wrong.
fn words(snapshot: &Snapshot) -> String {
    let status = snapshot.status.as_ref();
    let findings = status.map_or(&snapshot.findings, |status| &status.findings);
    let worst = findings.iter().rev().max_by_key(|finding| finding.severity);
    match worst.filter(|finding| finding.severity > Severity::Info) {
        Some(finding) => format!("{}: {}", stage(snapshot), finding.what),
        None => stage(snapshot).to_string(),
    }
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
}
