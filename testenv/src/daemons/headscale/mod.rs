//! The real headscale, and what its administrator does.

mod certificate;
mod config;
mod keys;
mod nodes;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

pub use keys::{Authkey, User};
pub use nodes::Node;

use super::folder;
use crate::lab::{Host, HostBuilder, Process};
use crate::until;

/// How long headscale takes to answer, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The policy of a control server that nobody gave one: everybody may, nothing is approved.
const OPEN: &str = r#"{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}"#;

/// A control server that is not there yet.
#[must_use = "a control server is there once it is started"]
pub struct HeadscaleBuilder {
    host: HostBuilder,
    policy: String,
    https: bool,
}

/// A control server on a host of its own.
pub struct Headscale {
    host: Host,
    process: Arc<Process>,
}

impl HeadscaleBuilder {
    pub(crate) fn new(host: HostBuilder) -> Self {
        HeadscaleBuilder { host, policy: OPEN.to_owned(), https: false }
    }

    /// At this address, such as `203.0.113.10`. The lab's own choice is a private one.
    pub fn at(mut self, address: &str) -> Self {
        self.host = self.host.at(address);
        self
    }

    /// With this policy, in headscale's own words.
    pub fn policy(mut self, policy: &str) -> Self {
        policy.clone_into(&mut self.policy);
        self
    }

    /// Over https, with a certificate that nobody trusts until [`Host::trust`] is called.
    pub fn https(mut self) -> Self {
        self.https = true;
        self
    }

    /// Starts it, and waits until it answers.
    ///
    /// # Panics
    /// Where it does not answer.
    pub fn start(self) -> Headscale {
        let host = self.host.start();
        if self.https {
            certificate::make(&host);
        }
        config::write(&host);
        let log = host.lab.log(host.name());
        let on = host.clone();
        let process = Process::new(Arc::clone(&host.namespace), log, move || {
            command(&on, &["serve".to_owned()])
        });
        let headscale = Headscale { process: host.lab.keep(process), host };
        fs::write(headscale.policy_file(), self.policy).expect("the policy file");
        headscale.start();
        headscale
    }
}

impl Headscale {
    /// The URL that nodes join.
    pub fn url(&self) -> String {
        config::url(&self.host)
    }

    /// Its certificate, in PEM.
    ///
    /// # Panics
    /// Where it speaks plain http.
    pub fn certificate(&self) -> String {
        fs::read_to_string(certificate::path(&self.host)).expect("an https control server")
    }

    /// The host it runs on.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Starts it again, and waits until it answers.
    ///
    /// # Panics
    /// Where it runs already, or does not answer.
    pub fn start(&self) {
        self.process.start();
        until("headscale that answers", PATIENCE, || {
            let args = ["users".to_owned(), "list".to_owned(), "-ojson".to_owned()];
            let answer = self.host.run(&command(&self.host, &args));
            if answer.code == Some(0) { Ok(()) } else { Err(answer) }
        });
    }

    /// Asks it to end, and waits.
    pub fn stop(&self) {
        self.process.stop();
    }

    /// Kills it.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Puts another policy in force.
    ///
    /// # Panics
    /// Where headscale finds fault with it.
    pub fn set_policy(&self, policy: &str) {
        fs::write(self.policy_file(), policy).expect("the policy file");
        self.admin(&["policy", "check", "-f", &self.policy_file().to_string_lossy()]);
        self.process.signal(Signal::SIGHUP);
    }

    /// Runs the `headscale` command with these words; what it says, as JSON.
    ///
    /// # Panics
    /// Where the command fails.
    pub fn admin(&self, args: &[&str]) -> Value {
        let mut words: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        words.push("-ojson".to_owned());
        let answer = self.host.run(&command(&self.host, &words));
        assert_eq!(answer.code, Some(0), "headscale {args:?}: {answer:?}");
        serde_json::from_str(&answer.stdout).unwrap_or(Value::String(answer.stdout))
    }

    fn policy_file(&self) -> PathBuf {
        self.host.folder().join("policy.json")
    }
}

fn command(host: &Host, args: &[String]) -> std::process::Command {
    let mut command = host.command(folder("headscale").join("headscale"));
    command.arg("-c").arg(config::path(host)).args(args);
    command
}
