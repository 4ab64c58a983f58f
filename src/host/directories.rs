//! Where this host keeps what it keeps.

use std::path::PathBuf;

use crate::settings::Settings;

/// Where this host keeps what it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// What outlives a reboot: `/var/lib/moorline`.
    pub state: PathBuf,
    /// What lasts until the next boot: `/run/moorline`.
    pub run: PathBuf,
}

impl Directories {
    /// Where the canary's network namespace is pinned.
    pub fn canary(&self) -> PathBuf {
        self.run.join("netns").join("canary")
    }
}

impl From<&Settings> for Directories {
    fn from(settings: &Settings) -> Self {
        Directories { state: settings.state_dir.value.clone(), run: settings.run_dir.value.clone() }
    }
}
