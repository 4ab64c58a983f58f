//! A machine where nothing was joined yet: it needs no lab and no root.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::ErrorKind::WouldBlock;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use provider_api::Error;
use serde::Deserialize;

/// Stands in every wrong text where a key could stand.
pub(crate) const SECRET: &str = "hskey-auth-q9mPx2Lw7-Vt4bZk8RnD3";

/// A machine where nobody has said anything yet, with a daemon that only notes who calls.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
    daemon: UnixListener,
    variables: BTreeMap<&'static str, String>,
}

impl Machine {
    pub(crate) fn new() -> Machine {
        let folder = tempfile::tempdir().expect("a folder");
        let daemon = UnixListener::bind(folder.path().join("tailscaled.sock")).expect("a socket");
        daemon.set_nonblocking(true).expect("a socket that does not wait");
        Machine { folder, daemon, variables: BTreeMap::new() }
    }

    pub(crate) fn with(mut self, variable: &'static str, value: impl Into<String>) -> Machine {
        self.variables.insert(variable, value.into());
        self
    }

    /// Makes a file of this mode, and returns its path.
    pub(crate) fn file(&self, name: &str, mode: u32, content: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("chmod");
        path.display().to_string()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether somebody connected to the daemon since this was last asked.
    pub(crate) fn daemon_was_called(&self) -> bool {
        match self.daemon.accept() {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), WouldBlock);
                false
            }
        }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The pair that names its daemon.
    pub(crate) fn socket(&self) -> String {
        format!("socket={}", self.folder.path().join("tailscaled.sock").display())
    }

    /// `moorline`, with these words and no other environment than this machine's.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_moorline"));
        command
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("MOORLINE_STATE_DIR", self.state())
            .env("MOORLINE_RUN_DIR", self.folder.path().join("run"))
            .envs(&self.variables);
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("moorline starts")
    }

    /// `moorline up`, which gives the daemon a second and logs all that it can.
    pub(crate) fn up(&self, args: &[&str]) -> Output {
        let words = ["up", "--json", "--join-deadline", "1s"];
        let mut command = self.command(&[&words, args].concat());
        command.env("MOORLINE_LOG", "trace").output().expect("moorline starts")
    }

    /// The error of an `up` whose settings are wrong: nothing was touched, and nothing told.
    pub(crate) fn refuses(&self, args: &[&str]) -> Error {
        let output = self.up(args);
        let error = refusal(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error:?}");
        assert!(error.fix.as_ref().is_some_and(|fix| !fix.is_empty()), "{args:?}: {error:?}");
        assert_says_no_secret(&output, args);
        assert!(!self.daemon_was_called(), "{args:?} came as far as the daemon");
        assert!(!self.state().join("state.json").exists(), "{args:?} is remembered");
        error
    }
}

/// The error that a command with `--json` answered.
pub(crate) fn refusal(output: &Output) -> Error {
    #[derive(Deserialize)]
    struct Answer {
        error: Error,
    }
    let answer: Result<Answer, _> = serde_json::from_slice(&output.stdout);
    answer.unwrap_or_else(|error| panic!("{error}: {output:?}")).error
}

pub(crate) fn assert_says_no_secret(output: &Output, args: &[&str]) {
    for said in [&output.stdout, &output.stderr] {
        let said = String::from_utf8_lossy(said);
        assert!(!said.contains(SECRET) && !said.contains("Vt4bZk8RnD3"), "{args:?}: {said}");
    }
}

#[test]
fn the_daemon_of_this_machine_is_the_one_that_would_be_asked() {
    let machine = Machine::new();
    let text = format!("name=tailscale,{}", machine.socket());
    let binary = machine.command(&["up", "--vpn-auth", &text]).stderr(Stdio::null()).spawn();
    let mut running = binary.expect("moorline starts");
    testenv::until("a call", Duration::from_secs(20), || match machine.daemon_was_called() {
        true => Ok(()),
        false => Err("not yet"),
    });
    running.kill().and_then(|()| running.wait()).expect("a moorline that runs");
}
