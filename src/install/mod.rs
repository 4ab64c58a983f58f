//! `moorline install` and `moorline uninstall`: the service, its settings, and the way back.
//!
//! ```text
//!   install    settings ─▶ wishes (key, config, unit) ─▶ steps ─▶ record ─▶ files ─▶ systemd
//!   uninstall  record ─▶ undo ─▶ systemd
//!   purge      leave ─▶ kernel settings ─▶ state
//! ```
//!
//! What is written is recorded first, so that it can be taken back, and no more.

mod config;
mod credential;
mod files;
mod hardening;
mod kernel;
mod order;
mod program;
mod purge;
mod record;
mod remove;
mod serve;
mod systemd;
mod undo;
mod unit;
mod wish;

use std::path::{Path, PathBuf};

use provider_api::{Change, Finding, Plan};
use serde::Serialize;

pub use hardening::CAPABILITIES;
pub use order::{Order, install};
pub use program::this_program;
pub use purge::{Purge, purge};
pub use remove::uninstall;
pub use systemd::Manager;
pub use unit::UNIT;

/// Where a machine keeps what `install` writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The config file.
    pub config: PathBuf,
    /// The folder of the administrator's units.
    pub units: PathBuf,
    /// The folder of what is kept.
    pub state: PathBuf,
    /// Its service manager.
    pub manager: Manager,
}

impl Machine {
    /// This machine.
    pub fn this(config: PathBuf, state: PathBuf) -> Self {
        let units = PathBuf::from("/etc/systemd/system");
        Machine { config, units, state, manager: Manager::find() }
    }

    fn unit(&self) -> PathBuf {
        self.units.join(UNIT)
    }

    /// The folder of the settings, where secrets lie too.
    fn settings(&self) -> &Path {
        self.config.parent().unwrap_or(Path::new("/"))
    }
}

/// What `install` did, or would do.
#[derive(Debug, Serialize)]
pub struct InstallReport {
    /// What it changed, in order.
    pub changes: Plan,
    /// The files as they are now, without secrets.
    pub files: Vec<Text>,
    /// What is worth knowing.
    pub findings: Vec<Finding>,
    /// Whether the service runs now, or is about to.
    pub runs: bool,
}

/// A file, and what is in it.
#[derive(Debug, Serialize)]
pub struct Text {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

/// What `uninstall` did, or would do.
#[derive(Debug, Default, Serialize)]
pub struct UninstallReport {
    /// What it changed, in order.
    pub changes: Plan,
    /// What stays, and why.
    pub findings: Vec<Finding>,
}

fn change(subject: impl ToString, from: &str, to: &str, why: impl Into<String>) -> Change {
    Change { subject: subject.to_string(), from: from.into(), to: to.into(), why: why.into() }
}

#[cfg(test)]
mod tests;
