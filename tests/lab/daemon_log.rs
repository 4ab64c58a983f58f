//! What a daemon says of itself in its log.

use std::path::PathBuf;

use testenv::{Host, Lab};

/// The log of a host's tailscaled. It leaves lines out where many of a kind come at once.
pub(crate) struct DaemonLog(PathBuf);

impl DaemonLog {
    pub(crate) fn of(lab: &Lab, host: &Host) -> DaemonLog {
        DaemonLog(lab.logs().join(format!("{}-tailscaled.log", host.name())))
    }

    /// Everything that it has said.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.0).expect("a daemon's log")).into_owned()
    }

    /// How often it has tried to log in, while those are few.
    pub(crate) fn attempts(&self) -> usize {
        self.text().matches("control: doLogin").count()
    }
}
