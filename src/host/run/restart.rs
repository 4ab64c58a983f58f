//! Starts the network's daemon anew, by the service manager or by the command that was told.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use provider_api::{Error, ErrorKind, Manifest, Network, Repair, Result};
use tokio::process::Command;
use tokio::time::timeout;

/// A daemon that tells when it is ready may take its time.
const DEADLINE: Duration = Duration::from_secs(90);

/// How the daemon is started anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Restart {
    /// By this command.
    By(Vec<String>),
    /// Not by us: neither a command nor a service manager is known.
    ByHand,
}

impl Restart {
    /// The command that was told; else the service manager's, where it runs and the provider's
    /// daemon has a name there. A command of no words forbids it.
    pub(super) fn of(told: Option<&[String]>, manifest: &Manifest) -> Self {
        let systemd = Path::new("/run/systemd/system").is_dir();
        restart(told, manifest.capabilities.service.as_deref().filter(|_| systemd))
    }

    /// Starts it.
    ///
    /// # Errors
    /// What the command said, or who must do it by hand.
    pub(super) async fn run(&self, network: &dyn Network) -> Result<()> {
        match self {
            Restart::By(words) => run(words).await,
            Restart::ByHand => network.repair(Repair::Restart).await,
        }
    }
}

fn restart(told: Option<&[String]>, service: Option<&str>) -> Restart {
    match (told, service) {
        (Some([]), _) | (None, None) => Restart::ByHand,
        (Some(words), _) => Restart::By(words.to_vec()),
        (None, Some(service)) => {
            Restart::By(["systemctl", "restart", service].map(str::to_owned).to_vec())
        }
    }
}

/// The child gets none of our environment, which may hold a secret, but where programs are.
async fn run(words: &[String]) -> Result<()> {
    let line = words.join(" ");
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let child = child.map_err(|cause| failed(&line, &cause.to_string()))?;
    let ended = timeout(DEADLINE, child.wait_with_output()).await;
    let ended = ended.map_err(|_| failed(&line, "it does not end"))?;
    let output = ended.map_err(|cause| failed(&line, &cause.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(failed(&line, said.trim())) }
}

fn failed(line: &str, said: &str) -> Error {
    let what = format!("the VPN's daemon is away, and `{line}` did not start it: {said}");
    Error::new(ErrorKind::Unavailable, "restart-failed", what).fix(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_comes_before_what_is_known() {
        let told = ["rc-service", "tailscale", "restart"].map(str::to_owned);
        assert_eq!(restart(Some(&told), Some("x.service")), Restart::By(told.to_vec()));
        assert_eq!(restart(Some(&[]), Some("x.service")), Restart::ByHand);
        assert_eq!(restart(None, None), Restart::ByHand);
        let Restart::By(words) = restart(None, Some("x.service")) else { panic!() };
        assert_eq!(words, ["systemctl", "restart", "x.service"]);
    }

    #[tokio::test]
    async fn a_command_that_fails_says_why() {
        let words = ["ls", "/nowhere"].map(str::to_owned);
        let error = run(&words).await.unwrap_err();
        assert!(error.what.contains("/nowhere"), "{error}");
        assert!(run(&["true".to_owned()]).await.is_ok());
    }
}
