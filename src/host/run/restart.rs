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
    /// By systemd, under this name.
    Service(String),
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
    /// What the command said, or who must do it by hand; a daemon that somebody stopped.
    pub(super) async fn run(&self, network: &dyn Network) -> Result<()> {
        match self {
            Restart::By(words) => run(words).await.map(drop),
            Restart::Service(name) => restart_service(name).await,
            Restart::ByHand => network.repair(Repair::Restart).await,
        }
    }
}

fn restart(told: Option<&[String]>, service: Option<&str>) -> Restart {
    match (told, service) {
        (Some([]), _) | (None, None) => Restart::ByHand,
        (Some(words), _) => Restart::By(words.to_vec()),
        (None, Some(service)) => Restart::Service(service.to_owned()),
    }
}

/// What an administrator stopped stays stopped; what ended by itself is started.
async fn restart_service(name: &str) -> Result<()> {
    let shown = run(&words(&["systemctl", "show", PROPERTIES, name])).await?;
    if was_stopped(&shown) {
        let what = format!("{name} was stopped on this machine");
        return Err(Error::new(ErrorKind::Denied, "daemon-stopped", what)
            .fix(format!("systemctl start {name}")));
    }
    run(&words(&["systemctl", "restart", name])).await.map(drop)
}

const PROPERTIES: &str = "--property=ActiveExitTimestampMonotonic,ExecMainExitTimestampMonotonic";

/// A unit that is stopped leaves its active state before its process ends; one whose process
/// ends by itself, after (`systemctl show`, in microseconds of the monotonic clock).
fn was_stopped(shown: &str) -> bool {
    let value = |name: &str| -> Option<u64> {
        let lines = shown.lines().filter_map(|line| line.split_once('='));
        lines.into_iter().find(|(key, _)| *key == name)?.1.parse().ok()
    };
    let left = value("ActiveExitTimestampMonotonic").filter(|time| *time > 0);
    let ended = value("ExecMainExitTimestampMonotonic").filter(|time| *time > 0);
    matches!((left, ended), (Some(left), Some(ended)) if left < ended)
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

/// Runs it, and returns what it printed. The child gets none of our environment, which may hold
/// a secret, but where programs are.
async fn run(words: &[String]) -> Result<String> {
    let line = words.join(" ");
    let Some((program, arguments)) = words.split_first() else { return Ok(String::new()) };
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let child = child.map_err(|cause| failed(&line, &cause.to_string()))?;
    let ended = timeout(DEADLINE, child.wait_with_output()).await;
    let ended = ended.map_err(|_| failed(&line, "it does not end"))?;
    let output = ended.map_err(|cause| failed(&line, &cause.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(failed(&line, said.trim())),
    }
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
        let by_systemd = Restart::Service("x.service".to_owned());
        assert_eq!(restart(None, Some("x.service")), by_systemd);
    }

    #[test]
    fn a_daemon_that_somebody_stopped_is_told_from_one_that_ended() {
        let shown = |left: u64, ended: u64| {
            format!("ActiveExitTimestampMonotonic={left}\nExecMainExitTimestampMonotonic={ended}\n")
        };
        assert!(was_stopped(&shown(1_000, 1_200)));
        assert!(!was_stopped(&shown(1_200, 1_000)));
        assert!(!was_stopped(&shown(0, 0)), "never started");
        assert!(!was_stopped(""));
    }

    #[tokio::test]
    async fn a_command_that_fails_says_why() {
        let words = ["ls", "/nowhere"].map(str::to_owned);
        let error = run(&words).await.unwrap_err();
        assert!(error.what.contains("/nowhere"), "{error}");
        assert!(run(&["true".to_owned()]).await.is_ok());
    }
}
