//! The real tailscaled on a host, and the `tailscale` command beside it.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Authkey, Headscale, folder};
use crate::lab::{Host, Process};
use crate::{Run, until};

/// How long a daemon takes to answer, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the lab looks whether somebody wants the daemon started anew.
const LISTENS: Duration = Duration::from_millis(20);

/// A host's tailscaled.
pub struct Tailscaled {
    host: Host,
    process: Arc<Process>,
}

impl Tailscaled {
    pub(crate) fn new(host: Host, config: Option<PathBuf>) -> Tailscaled {
        let log = host.lab.log(&format!("{}-tailscaled", host.name()));
        let on = host.clone();
        let process = Process::new(Arc::clone(&host.namespace), log, move || {
            let mut command = command(&on);
            command.args(config.iter().flat_map(|file| [OsStr::new("--config"), file.as_os_str()]));
            command
        });
        Tailscaled { process: host.lab.keep(process), host }
    }

    /// Starts it, and waits until it answers.
    ///
    /// # Panics
    /// Where it runs already, or does not answer.
    pub fn start(&self) {
        self.process.start();
        until("tailscaled that answers", PATIENCE, || {
            let answer = self.host.run(&self.cli(&["status", "--json"]));
            if answer.stdout.contains("BackendState") { Ok(()) } else { Err(answer) }
        });
    }

    /// The same daemon as a unit of systemd, which starts it again where it failed, and not
    /// where it ended by itself: as its package has it.
    pub fn unit(&self) -> String {
        let command = command(&self.host);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        let set = |(name, value): (&OsStr, Option<&OsStr>)| {
            let (name, value) =
                (name.to_string_lossy(), value.unwrap_or_default().to_string_lossy());
            format!("Environment={name}={value}\n")
        };
        let environment: String = command.get_envs().map(set).collect();
        let log = self.host.lab.log(&format!("{}-tailscaled", self.host.name()));
        format!(
            "[Service]\nType=notify\nRestart=on-failure\nExecStart={}\n{environment}\
             StandardError=append:{}\n",
            words.join(" "),
            log.display()
        )
    }

    /// Asks it to end, and waits: its interface and rules go.
    pub fn stop(&self) {
        self.process.stop();
    }

    /// Kills it: its rules stay.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Waits until it has ended by itself.
    pub fn ends(&self, deadline: Duration) -> ExitStatus {
        self.process.wait(deadline)
    }

    /// Whether it ended by [`Tailscaled::kill`], and nobody has started it since.
    pub fn was_killed(&self) -> bool {
        self.process.pid().is_none()
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.process.is_running()
    }

    /// A command on the host that starts it anew and comes back once it answers, as a service
    /// manager's does: the daemon stays the lab's.
    ///
    /// # Panics
    /// Where the host's folder takes no file.
    pub fn restart_command(&self) -> PathBuf {
        let folder = self.host.folder();
        let (script, wish) = (folder.join("restart-tailscaled"), folder.join("restart-wanted"));
        if script.exists() {
            return script;
        }
        let words =
            format!("#!/bin/sh\n: >{0}\nwhile [ -e {0} ]; do sleep 0.02; done\n", wish.display());
        std::fs::write(&script, words).expect("a file of the host");
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&script, executable).expect("a file of the host");
        let ours = Tailscaled { host: self.host.clone(), process: Arc::clone(&self.process) };
        std::thread::spawn(move || ours.start_anew_for(&wish));
        script
    }

    /// Whoever wants it while it is under way gets the same one.
    fn start_anew_for(&self, wish: &Path) {
        while !self.host.lab.is_over_within(LISTENS) {
            if wish.exists() {
                self.stop();
                self.start();
                // The lab may be over by now.
                let _ = std::fs::remove_file(wish);
            }
        }
    }

    /// Its socket, at the same path on the host and outside of it. On the host this is also
    /// the default path.
    pub fn socket(&self) -> PathBuf {
        socket(&self.host)
    }

    /// Its state directory.
    pub fn state(&self) -> PathBuf {
        state(&self.host)
    }

    /// Runs the `tailscale` command with these words, as an administrator of the host does.
    ///
    /// # Panics
    /// Where the command fails.
    pub fn tailscale(&self, args: &[&str]) -> String {
        self.try_tailscale(args).succeeded().stdout
    }

    /// The same, where the command may fail.
    pub fn try_tailscale(&self, args: &[&str]) -> Run {
        self.host.run(&self.cli(args))
    }

    /// Joins by the `tailscale` command, accepting routes and keeping pods' addresses.
    ///
    /// # Panics
    /// Where the command fails.
    pub fn join(&self, headscale: &Headscale, key: &Authkey) {
        self.tailscale(&[
            "up",
            &format!("--login-server={}", headscale.url()),
            &format!("--auth-key={}", key.secret()),
            "--accept-routes",
            "--accept-dns=false",
            "--snat-subnet-routes=false",
            "--timeout=30s",
        ]);
    }

    /// What `tailscale status --json` says.
    ///
    /// # Panics
    /// Where the daemon does not answer.
    pub fn status(&self) -> Value {
        let answer = self.host.run(&self.cli(&["status", "--json"]));
        serde_json::from_str(&answer.stdout).unwrap_or_else(|_| panic!("no status: {answer:?}"))
    }

    /// Its preferences, as `tailscale debug prefs` prints them.
    ///
    /// # Panics
    /// Where the daemon does not answer.
    pub fn prefs(&self) -> Value {
        serde_json::from_str(&self.tailscale(&["debug", "prefs"])).expect("preferences are JSON")
    }

    fn cli(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.host.command(folder("tailscale").join("tailscale"));
        command.arg("--socket").arg(self.socket()).args(args);
        command
    }
}

fn socket(host: &Host) -> PathBuf {
    host.folder().join("run/tailscale/tailscaled.sock")
}

fn state(host: &Host) -> PathBuf {
    host.folder().join("tailscaled")
}

/// tailscaled, kept from calling out: no log upload, and nothing in the machine's own folders.
/// Its relays are the lab's, over plain http where the control server is.
fn command(host: &Host) -> std::process::Command {
    let mut command = host.command(folder("tailscale").join("tailscaled"));
    command
        .arg(format!("--state={}", state(host).join("tailscaled.state").display()))
        .arg(format!("--statedir={}", state(host).display()))
        .arg(format!("--socket={}", socket(host).display()))
        .env("TS_NO_LOGS_NO_SUPPORT", "true")
        .env("TS_LOGS_DIR", state(host));
    if !host.trusts_a_server() {
        command.env("TS_DEBUG_USE_DERP_HTTP", "true");
    }
    command
}
