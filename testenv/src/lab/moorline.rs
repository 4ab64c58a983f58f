//! Running the binary under test as an operator does on a node.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Seek};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::process::mortal;
use super::{Host, lock};
use crate::{Authkey, Headscale, until};

/// How long any command may take before the test gives it up.
const PATIENCE: Duration = Duration::from_secs(180);

/// How a command went.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it; none where it ended by itself.
    pub signal: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said beside that.
    pub stderr: String,
    /// How long it took.
    pub duration: Duration,
}

impl Run {
    /// The same run, where it succeeded.
    ///
    /// # Panics
    /// Where it did not, with all that it said.
    pub fn succeeded(self) -> Run {
        self.ended_with(0)
    }

    /// The same run, where it ended with this code.
    ///
    /// # Panics
    /// Where it did not, with all that it said.
    pub fn ended_with(self, code: i32) -> Run {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// What it printed, as JSON.
    ///
    /// # Panics
    /// Where that is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Whether it said this, on whichever stream.
    pub fn says(&self, words: &str) -> bool {
        self.stdout.contains(words) || self.stderr.contains(words)
    }
}

/// A run of moorline that is not started yet.
#[must_use = "a command runs once it is started"]
pub struct Moorline {
    host: Host,
    command: Command,
    user: Option<u32>,
}

/// A run of moorline that goes on.
pub struct Running {
    child: Child,
    stdout: fs::File,
    stderr: fs::File,
    started: Instant,
}

impl Host {
    /// Runs moorline with these words to its end.
    ///
    /// # Panics
    /// Where it does not end within three minutes.
    pub fn moorline<S: Into<OsString>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        self.moorline_with(args).run()
    }

    /// moorline with these words, to be given an environment, or to be left running.
    ///
    /// # Panics
    /// Where the lab was not told which binary that is.
    pub fn moorline_with<S: Into<OsString>>(&self, args: impl IntoIterator<Item = S>) -> Moorline {
        let binary = lock(&self.lab.moorline).clone().expect("a lab made `with_moorline`");
        let mut command = self.command(binary);
        let config = fs::File::options().create(true).append(true).open(self.config_file());
        config.expect("a configuration file");
        command
            .args(args.into_iter().map(Into::into))
            .env("MOORLINE_STATE_DIR", self.state_dir())
            .env("MOORLINE_RUN_DIR", self.folder().join("run/moorline"))
            .env("MOORLINE_CONFIG", self.config_file());
        Moorline { host: self.clone(), command, user: None }
    }

    /// Where moorline keeps this host's state.
    pub fn state_dir(&self) -> PathBuf {
        self.folder().join("state")
    }

    /// moorline's configuration file on this host: empty, until the test writes it.
    pub fn config_file(&self) -> PathBuf {
        self.folder().join("config.toml")
    }

    /// Writes a file that only root may read, and returns its path.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn secret_file(&self, name: &str, content: &str) -> PathBuf {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.folder().join(name);
        let mut file = fs::File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .expect("a file on a host");
        std::io::Write::write_all(&mut file, content.as_bytes()).expect("a file on a host");
        path
    }

    /// The text for `--vpn-auth` with which this host joins by this key, kept in a file.
    pub fn vpn_auth(&self, headscale: &Headscale, key: &Authkey) -> String {
        let file = self.secret_file("join-key", key.secret());
        format!("{},joinKey=file:{}", self.vpn_auth_without_key(headscale), file.display())
    }

    /// The same for a host that is enrolled already.
    pub fn vpn_auth_without_key(&self, headscale: &Headscale) -> String {
        let socket = self.folder().join("run/tailscale/tailscaled.sock");
        format!("name=tailscale,controlServerURL={},socket={}", headscale.url(), socket.display())
    }
}

impl Moorline {
    /// With this variable in its environment, beside those that name its folders.
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.command.env(key, value);
        self
    }

    /// As this user of the machine.
    pub fn as_user(mut self, user: u32) -> Self {
        self.user = Some(user);
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// Where it does not end within three minutes.
    pub fn run(self) -> Run {
        self.start().finish(PATIENCE)
    }

    /// Starts it, and leaves it running.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start(self) -> Running {
        let file = || tempfile::tempfile().expect("a file for output");
        let (stdout, stderr) = (file(), file());
        let handle = |file: &fs::File| Stdio::from(file.try_clone().expect("a second handle"));
        let mut command = mortal(&self.command, self.user);
        command.stdin(Stdio::null()).stdout(handle(&stdout)).stderr(handle(&stderr));
        let started = Instant::now();
        let child = self.host.namespace.spawn(command).expect("moorline");
        Running { child, stdout, stderr, started }
    }
}

impl Running {
    /// What it has said so far, on both streams.
    ///
    /// # Panics
    /// Where its output cannot be read.
    pub fn said(&self) -> String {
        format!("{}{}", content(&self.stdout), content(&self.stderr))
    }

    /// Waits until it says this.
    ///
    /// # Panics
    /// Where it does not within the deadline, or ends before.
    pub fn says(&mut self, words: &str, deadline: Duration) {
        until(&format!("moorline that says `{words}`"), deadline, || {
            let said = self.said();
            if said.contains(words) { Ok(()) } else { Err((said, self.is_running())) }
        });
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends SIGINT, as Ctrl-C does.
    ///
    /// # Panics
    /// Where it is gone already.
    pub fn interrupt(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"));
        kill(pid, Signal::SIGINT).expect("a moorline that runs");
    }

    /// Kills it at once.
    ///
    /// # Panics
    /// Where it cannot be killed.
    pub fn kill(mut self) -> Run {
        self.child.kill().expect("a moorline that runs");
        self.finish(PATIENCE)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Where it does not end within the deadline.
    pub fn finish(mut self, deadline: Duration) -> Run {
        let status = until("moorline that ends", deadline, || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            answer => Err((answer, self.said())),
        });
        Run {
            code: status.code(),
            signal: status.signal(),
            stdout: content(&self.stdout),
            stderr: content(&self.stderr),
            duration: self.started.elapsed(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All of a file that a child writes to at the same time, through the same offset: put back
/// where it was.
fn content(file: &fs::File) -> String {
    let mut bytes = Vec::new();
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file));
    let mut own = fs::File::open(path).expect("a second view of the output");
    own.rewind().and_then(|()| own.read_to_end(&mut bytes)).expect("the output");
    String::from_utf8_lossy(&bytes).into_owned()
}
