//! A real headscale on loopback, for as long as the value lives.

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use testenv::until;

const START_DEADLINE: Duration = Duration::from_secs(20);

/// A running headscale with an empty database and one user, `k8s`.
pub(crate) struct Headscale {
    binary: PathBuf,
    folder: TempDir,
    server: Child,
    port: u16,
}

impl Headscale {
    /// Starts one; none, with the reason printed, where it cannot be built here.
    ///
    /// # Panics
    /// Where it does not come up, and under `TESTENV_STRICT=1` where it cannot be built.
    pub(crate) fn start() -> Option<Self> {
        let binary = built().or_else(|| {
            assert!(std::env::var_os("TESTENV_STRICT").is_none(), "headscale cannot be built");
            say("skipped: headscale cannot be built here");
            None
        })?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        write_config(folder.path(), port);
        let server = serve(&binary, folder.path());
        let headscale = Headscale { binary, folder, server, port };
        headscale.wait();
        headscale.run(&["users", "create", "k8s"]);
        Some(headscale)
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Adds a node that never connects, and returns its id.
    pub(crate) fn add_node(&self, name: &str) -> String {
        // Any text of this shape and length is an id of a registration.
        let request = format!("hskey-authreq-{name:x<24}");
        self.run(&["debug", "create-node", "-u", "k8s", "--name", name, "-k", &request]);
        let node = ["auth", "register", "-u", "k8s", "--auth-id", &request, "-o", "json"];
        let node: Value = serde_json::from_str(&self.run(&node)).expect("a node as JSON");
        node["id"].to_string()
    }

    /// Writes a file into its folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("a file in the temporary folder");
        path
    }

    /// Runs its command line and returns what it printed.
    ///
    /// # Panics
    /// Where the command fails, with what it said.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.try_run(arguments).unwrap_or_else(|said| panic!("headscale {arguments:?}: {said}"))
    }

    /// The same; what it said where it fails.
    pub(crate) fn try_run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = command(&self.binary, self.folder.path()).args(arguments).output();
        let output = output.expect("headscale runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    fn wait(&self) {
        until("headscale answers", START_DEADLINE, || self.try_run(&["users", "list"]));
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Headscale {
    fn drop(&mut self) {
        // It may hang in its own shutdown, so it is not asked to.
        let _ = self.server.kill();
        let _ = self.server.wait();
        if std::thread::panicking() {
            say(&format!("headscale's log:\n{}", self.log()));
        }
    }
}

/// To the terminal, past the test's own captured output.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn built() -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testenv/daemons/build");
    let output = Command::new(script).arg("headscale").stderr(Stdio::inherit()).output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| Path::new(folder.trim()).join("headscale"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn serve(binary: &Path, folder: &Path) -> Child {
    let log = File::create(folder.join("log")).expect("a log");
    let copy = log.try_clone().expect("a log");
    let server = command(binary, folder).arg("serve").stdout(log).stderr(copy).spawn();
    server.expect("headscale starts")
}

fn command(binary: &Path, folder: &Path) -> Command {
    let mut command = Command::new(binary);
    command.arg("--config").arg(folder.join("config.yaml")).env("NO_COLOR", "1");
    command
}

/// One region of DERP is demanded; nobody connects to it.
fn write_config(folder: &Path, port: u16) {
    let at = folder.display();
    let derp = "regions:\n  900:\n    regionid: 900\n    regioncode: none\n    nodes:\n      \
                - {name: a, regionid: 900, hostname: derp.invalid}\n";
    let config = format!(
        r#"server_url: http://127.0.0.1:{port}
listen_addr: 127.0.0.1:{port}
metrics_listen_addr: ""
noise: {{ private_key_path: {at}/noise.key }}
prefixes: {{ v4: 100.64.0.0/10, v6: fd7a:115c:a1e0::/48, allocation: sequential }}
database: {{ type: sqlite, sqlite: {{ path: {at}/db.sqlite, write_ahead_log: true }} }}
derp: {{ server: {{ enabled: false }}, urls: [], paths: ["{at}/derp.yaml"], auto_update_enabled: false }}
dns: {{ magic_dns: false, override_local_dns: false, base_domain: "" }}
policy: {{ mode: database }}
disable_check_updates: true
logtail: {{ enabled: false }}
unix_socket: {at}/headscale.sock
unix_socket_permission: "0700"
"#
    );
    fs::write(folder.join("derp.yaml"), derp).expect("a DERP map");
    fs::write(folder.join("config.yaml"), config).expect("a configuration");
}
