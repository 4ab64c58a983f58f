//! What a daemon says of itself in its log.

use std::path::PathBuf;
use std::time::Duration;

use testenv::{Host, Lab};

use crate::refusal::stays;

/// The log of a host's tailscaled.
pub(crate) struct DaemonLog(PathBuf);

impl DaemonLog {
    pub(crate) fn of(lab: &Lab, host: &Host) -> DaemonLog {
        DaemonLog(lab.logs().join(format!("{}-tailscaled.log", host.name())))
    }

    /// Everything that it has said.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.0).expect("a daemon's log")).into_owned()
    }

    /// How often it has tried to register.
    pub(crate) fn attempts(&self) -> usize {
        self.text().matches("control: doLogin").count()
    }

    /// Watches that it tries no more.
    pub(crate) fn falls_silent(&self, span: Duration) {
        let before = self.attempts();
        assert!(before > 0, "no attempt in the log at all: {}", self.text());
        stays("a daemon that tries no more", span, || match self.attempts() {
            tries if tries == before => Ok(()),
            tries => Err(tries),
        });
    }
}
