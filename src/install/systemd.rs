//! The service manager.

use std::path::Path;
use std::process::{Output, Stdio};

use provider_api::{Error, ErrorKind, Result};
use tokio::process::Command;

use super::unit::UNIT;

/// Whether there is a service manager, and whether it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// systemd runs this machine.
    Running,
    /// systemd is installed and does not run: an image that is being built, or a container.
    Asleep,
    /// There is no systemd.
    Absent,
}

/// How the service stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Whether it starts with the machine.
    pub enabled: bool,
    /// Whether it runs, or is about to.
    pub active: bool,
}

impl Manager {
    /// What this machine has (sd_booted(3)).
    pub fn find() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let installed =
            std::env::split_paths(&path).any(|folder| folder.join("systemctl").is_file());
        match (Path::new("/run/systemd/system").is_dir(), installed) {
            (true, true) => Manager::Running,
            (false, true) => Manager::Asleep,
            (_, false) => Manager::Absent,
        }
    }

    /// How the service stands now.
    ///
    /// # Errors
    /// Where `systemctl` cannot be run.
    pub(super) async fn standing(self) -> Result<Standing> {
        let enabled = self != Manager::Absent && ask(&["is-enabled", UNIT]).await? == "enabled";
        let active = self == Manager::Running
            && matches!(&*ask(&["is-active", UNIT]).await?, "active" | "activating" | "reloading");
        Ok(Standing { enabled, active })
    }
}

/// `systemctl` with these words.
///
/// # Errors
/// What it said.
pub(super) async fn systemctl(words: &[&str]) -> Result<()> {
    let output = run(words).await?;
    if output.status.success() {
        return Ok(());
    }
    let line = words.join(" ");
    let said = String::from_utf8_lossy(&output.stderr);
    let what = format!("systemctl {line} failed: {}", said.trim());
    Err(Error::unavailable("systemctl", what).fix(format!("systemctl {line}")))
}

/// The word that `systemctl` answers.
async fn ask(words: &[&str]) -> Result<String> {
    Ok(String::from_utf8_lossy(&run(words).await?.stdout).trim().to_owned())
}

async fn run(words: &[&str]) -> Result<Output> {
    let output = Command::new("systemctl")
        .args(words)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    output.await.map_err(|cause| {
        Error::new(ErrorKind::Unsupported, "systemctl", format!("cannot run systemctl: {cause}"))
            .fix("systemctl --version")
    })
}
