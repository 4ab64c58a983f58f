//! Plugins that are shell scripts.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use provider_api::{Host, Manifest, Network, Provider, ProviderSettings, Result, Secret};
use provider_plugin::{Limits, Plugin};
use serde_json::json;
use testenv::fake::{FakeProvider, FakeWorld};
use testenv::{MemoryHost, until};

/// How long the machine may take for what is no one's deadline.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What every script begins with. `hear` reads a request into `$line`, `$id` and `$method`;
/// `answer` answers it; `hello` introduces the plugin, and counts its starts.
const PREAMBLE: &str = r#"#!/bin/bash
note() { printf '%s\n' "$1" >> "$folder/notes"; }
hear() {
    IFS= read -r line || exit 0
    id=${line#*\"id\":} id=${id%%,*}
    method=${line#*\"method\":\"} method=${method%%\"*}
    note "$method"
}
say() { printf '{"jsonrpc":"2.0",%s}\n' "$1"; }
answer() { say "\"id\":$id,\"result\":$1"; }
hello() { hear; answer "{\"protocol\":1,\"manifest\":$manifest}"; }
opened() { hear; answer null; }
note "started $$"
"#;

/// A plugin whose program is a script, in a folder of its own.
pub(crate) struct Script {
    folder: tempfile::TempDir,
}

/// A network of such a plugin.
pub(crate) struct Opened {
    pub(crate) network: Box<dyn Network>,
    pub(crate) plugin: Plugin,
}

impl Script {
    /// A plugin that does this; `$folder` is its folder, and `$manifest` what it may say it is.
    pub(crate) fn new(body: &str) -> Script {
        let folder = tempfile::tempdir().expect("a folder");
        let script = Script { folder };
        let manifest = serde_json::to_string(&manifest()).expect("a manifest");
        let (start, rest) = PREAMBLE.split_once('\n').expect("lines");
        let path = script.folder.path().display();
        let text = format!("{start}\nfolder='{path}'\nmanifest='{manifest}'\n{rest}{body}\n");
        fs::write(script.executable(), text).expect("a script");
        fs::set_permissions(script.executable(), Permissions::from_mode(0o755)).expect("a mode");
        script
    }

    pub(crate) fn executable(&self) -> PathBuf {
        self.folder.path().join("moorline-fake")
    }

    /// Starts it.
    pub(crate) fn start(&self, limits: Limits) -> Result<Plugin> {
        Plugin::start_within("fake", &self.executable(), limits)
    }

    /// Starts it, and opens a network.
    pub(crate) fn open(&self, limits: Limits) -> Opened {
        let plugin = self.start(limits).expect("a plugin that starts");
        let network = plugin.open(&settings(), host()).expect("a network that opens");
        Opened { network, plugin }
    }

    /// What the script noted: its starts, and every method that it heard.
    pub(crate) fn notes(&self) -> Vec<String> {
        let notes = fs::read_to_string(self.folder.path().join("notes")).unwrap_or_default();
        notes.lines().map(str::to_owned).collect()
    }

    /// The process ids of all its starts.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let notes = self.notes();
        let pids = notes.iter().filter_map(|note| note.strip_prefix("started "));
        pids.map(|pid| pid.parse().expect("a process id")).collect()
    }

    /// Waits until it noted this.
    pub(crate) fn noted(&self, what: &str) {
        until(what, PATIENCE, || {
            let notes = self.notes();
            if notes.iter().any(|note| note == what) { Ok(()) } else { Err(notes) }
        });
    }
}

/// Whether a process of this id runs.
pub(crate) fn runs(pid: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

pub(crate) fn manifest() -> Manifest {
    FakeProvider::new(FakeWorld::default()).manifest().clone()
}

pub(crate) fn host() -> Arc<dyn Host> {
    Arc::new(MemoryHost::new([("joinKey".to_owned(), Secret::new("secret-1f0a"))]))
}

pub(crate) fn settings() -> ProviderSettings {
    let settings = json!({
        "network": "fake",
        "values": {},
        "secrets": ["joinKey"],
        "extra_args": [],
        "node_name": null,
        "allow_move": false,
        "allow_rejoin": false,
        "join_deadline": { "secs": 5, "nanos": 0 },
    });
    serde_json::from_value(settings).expect("settings")
}

/// An observed network, as a script answers it.
pub(crate) const OBSERVED: &str = r#"'{"up":true,"control":"connected","addresses":[],"tags":[],"interface":"fake0","mtu":1280,"routes":[],"peers":[],"findings":[],"route_findings":[],"wants":[]}'"#;
