//! A daemon of the lab.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Namespace, lock};
use crate::until;

/// How long a daemon may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// A daemon: can be stopped, killed and started again. Its log goes on in one file.
pub(crate) struct Process {
    namespace: Arc<Namespace>,
    command: Box<dyn Fn() -> Command + Send + Sync>,
    log: PathBuf,
    child: Mutex<Option<Child>>,
}

impl Process {
    /// A daemon that is not running yet; `command` is asked at every start.
    pub(crate) fn new(
        namespace: Arc<Namespace>,
        log: PathBuf,
        command: impl Fn() -> Command + Send + Sync + 'static,
    ) -> Process {
        Process { namespace, command: Box::new(command), log, child: Mutex::default() }
    }

    pub(crate) fn start(&self) {
        let mut child = lock(&self.child);
        assert!(child.is_none(), "{} runs already", self.log.display());
        let log = || File::options().append(true).create(true).open(&self.log).expect("a log file");
        let mut command = mortal(&(self.command)(), None);
        command.stdin(Stdio::null()).stdout(log()).stderr(log());
        *child = Some(self.namespace.spawn(command).expect("a daemon"));
    }

    /// Whether it runs.
    pub(crate) fn is_running(&self) -> bool {
        lock(&self.child).as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Its process id, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        lock(&self.child).as_ref().map(Child::id)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            let pid = Pid::from_raw(i32::try_from(pid).expect("a pid"));
            kill(pid, signal).expect("signalling a daemon of the lab");
        }
    }

    /// Asks it to end, and waits; kills it where it does not.
    pub(crate) fn stop(&self) {
        self.signal(Signal::SIGTERM);
        let Some(mut child) = lock(&self.child).take() else { return };
        let started = std::time::Instant::now();
        until("a daemon that ends", PATIENCE * 2, || match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            answer => {
                if started.elapsed() > PATIENCE {
                    let _ = child.kill();
                }
                Err(answer)
            }
        });
    }

    /// Waits for it to end by itself.
    pub(crate) fn wait(&self, deadline: Duration) -> ExitStatus {
        let mut slot = lock(&self.child);
        let child = slot.as_mut().expect("a daemon that runs");
        let status = until("a daemon that ends by itself", deadline, || match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            answer => Err(answer),
        });
        *slot = None;
        status
    }

    /// Kills it at once.
    pub(crate) fn kill(&self) {
        if let Some(mut child) = lock(&self.child).take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The same command with a clean environment, dying with the thread that starts it; as this
/// user, if one is given.
pub(crate) fn mortal(command: &Command, user: Option<u32>) -> Command {
    let mut mortal = Command::new("setpriv");
    mortal.args(["--pdeathsig", "KILL"]);
    if let Some(user) = user {
        mortal.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg("--clear-groups");
    }
    mortal.arg("--").arg(command.get_program()).args(command.get_args());
    mortal.env_clear().env("PATH", PATH);
    for (key, value) in command.get_envs() {
        if let Some(value) = value {
            mortal.env(key, value);
        }
    }
    mortal
}

/// Where a clean environment looks for commands.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
