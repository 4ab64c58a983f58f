//! `install` and `uninstall` on a machine without systemd: its folders are all of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use provider_api::{ErrorKind, Result};

use super::*;
use crate::settings::{Layer, Origin, Sources, VpnAuth, example, read_config, resolve};

const KEY: &str = "tskey-auth-k1T9X6";

struct Scene {
    folder: tempfile::TempDir,
    machine: Machine,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let machine = Machine {
            config: at("etc/config.toml"),
            units: at("units"),
            state: at("state"),
            manager: Manager::Absent,
        };
        Scene { folder, machine }
    }

    /// `install --vpn-auth` with this text.
    async fn install(&self, vpn_auth: &str) -> Result<InstallReport> {
        let mut flags = Layer::default();
        flags.vpn_auth.push(VpnAuth::cut(vpn_auth, Origin::Flag("--vpn-auth".into())));
        let manifests = [example::manifest("tailscale")];
        let text = files::read(&self.machine.config)?.unwrap_or_default();
        let file = read_config(&self.machine.config, &text)?;
        let sources = Sources { flags, file, ..Sources::default() };
        let order = Order {
            sources: &sources,
            settings: resolve(&sources, &manifests)?,
            manifests: &manifests,
            program: "/usr/local/bin/moorline".into(),
            tell_config: false,
            start: true,
            dry_run: false,
        };
        install(order, &self.machine).await
    }

    async fn uninstall(&self) -> UninstallReport {
        uninstall(&self.machine, false).await.expect("uninstalled")
    }

    /// All files and folders, with what is in them.
    fn all(&self) -> Vec<(PathBuf, String)> {
        let mut all = Vec::new();
        walk(self.folder.path(), &mut all);
        all.sort();
        all
    }

    fn write(&self, name: &str, mode: u32, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).expect(name)
    }
}

fn walk(folder: &Path, all: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let mode = entry.metadata().expect("there").permissions().mode();
        if path.is_dir() {
            walk(&path, all);
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        all.push((path, format!("{mode:o} {text}")));
    }
}

fn changes(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn what_install_writes_uninstall_takes_back() {
    let scene = Scene::new();
    let report = scene.install("name=tailscale,joinKey=cred:key").await.expect("installed");
    assert_eq!(report.findings[0].code, "no-systemd");
    assert!(scene.read("etc/config.toml").contains("joinKey = \"cred:key\""));
    assert_eq!(scene.uninstall().await.findings, []);
    assert_eq!(scene.all(), []);
}

#[tokio::test]
async fn a_key_that_was_typed_goes_to_a_file_for_root_alone() {
    let scene = Scene::new();
    let text = format!("name=tailscale,joinKey={KEY},controlAPIKey={KEY}-api");
    let report = scene.install(&text).await.expect("installed");
    assert!(report.findings.iter().all(|finding| finding.code != "literal-key"));
    assert!(!format!("{report:?}{}", serde_json::json!(report)).contains(KEY));
    for (name, key) in [("key", KEY.to_owned()), ("controlAPIKey", format!("{KEY}-api"))] {
        let path = scene.machine.settings().join(name);
        assert_eq!(crate::secrets::read_guarded(&path).expect("guarded").expose(), key + "\n");
        assert!(scene.read("etc/config.toml").contains(&format!("\"file:{}\"", path.display())));
    }
    assert!(!scene.read("etc/config.toml").contains(KEY));
    assert!(!scene.read("state/install.json").contains(KEY));

    let again = scene.install(&text).await.expect("installed");
    assert_eq!(changes(&again.changes), [""; 0], "nothing is left to do");
    let other = scene.install("name=tailscale,joinKey=tskey-2").await.expect("installed");
    assert_eq!(changes(&other.changes).len(), 1, "only the key is another");
    scene.uninstall().await;
    assert_eq!(scene.all(), []);
}

#[tokio::test]
async fn a_key_in_an_administrators_config_file_stays_there_and_is_not_shown() {
    let scene = Scene::new();
    let text = format!("[vpn-auth]\nname = \"tailscale\"\njoinKey = \"{KEY}\"\n");
    scene.write("etc/config.toml", 0o600, &text);
    let report = scene.install("name=tailscale,controlServerURL=https://c").await.expect("done");
    assert!(scene.read("etc/config.toml").contains(KEY));
    assert_eq!(report.findings[0].code, "literal-key");
    assert!(!serde_json::json!(report).to_string().contains(KEY));
    assert!(!scene.read("state/install.json").contains(KEY));
    let path = scene.machine.settings().join("config.toml.before-install");
    for path in [&path, &scene.machine.config] {
        let mode = fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_key_file_of_somebody_else_is_never_overwritten() {
    let scene = Scene::new();
    scene.write("etc/key", 0o600, "theirs\n");
    let before = scene.all();
    let error = scene.install(&format!("name=tailscale,joinKey={KEY}")).await.expect_err("theirs");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Conflict, "install-in-the-way"));
    assert_eq!(scene.all(), before, "and nothing else was written");

    scene.write("etc/key", 0o600, KEY);
    scene.install(&format!("name=tailscale,joinKey={KEY}")).await.expect("the same key");
    scene.uninstall().await;
    assert_eq!(scene.read("etc/key"), KEY, "theirs, and as it was");

    scene.write("etc/key", 0o644, &format!("{KEY}\n"));
    let error = scene.install(&format!("name=tailscale,joinKey={KEY}")).await.expect_err("open");
    assert_eq!(error.code, "secret-file-mode");
}

#[tokio::test]
async fn an_administrators_config_file_comes_back() {
    let scene = Scene::new();
    scene.write("etc/config.toml", 0o640, "# Ours.\ncluster = \"blue\"\n");
    let before = scene.all();
    scene.install("name=tailscale,joinKey=cred:key").await.expect("installed");
    assert!(scene.read("etc/config.toml").starts_with("# Ours.\ncluster = \"blue\"\n"));
    scene.install("name=tailscale,joinKey=cred:other").await.expect("installed");
    assert_eq!(scene.uninstall().await.findings, []);
    assert_eq!(scene.all(), before);
}

#[tokio::test]
async fn the_text_that_comes_back_is_the_one_of_the_last_install() {
    let scene = Scene::new();
    scene.write("etc/config.toml", 0o644, "cluster = \"blue\"\n");
    scene.install("name=tailscale,joinKey=cred:key").await.expect("installed");
    let changed = scene.read("etc/config.toml") + "# By hand.\n";
    scene.write("etc/config.toml", 0o644, &changed);
    scene.uninstall().await;
    scene.install("name=tailscale,joinKey=cred:other").await.expect("installed");
    scene.uninstall().await;
    assert_eq!(scene.read("etc/config.toml"), changed);
}

#[tokio::test]
async fn what_was_changed_since_stays_and_is_told() {
    let scene = Scene::new();
    scene.install("name=tailscale,joinKey=cred:key").await.expect("installed");
    let config = scene.read("etc/config.toml") + "# By hand.\n";
    scene.write("etc/config.toml", 0o644, &config);
    scene.install("name=tailscale,joinKey=cred:other").await.expect("installed");
    assert!(scene.read("etc/config.toml").ends_with("# By hand.\n"));
    let report = scene.uninstall().await;
    assert_eq!(report.findings[0].code, "install-file-stays");
    assert!(scene.read("etc/config.toml").ends_with("# By hand.\n"));
    assert!(!scene.machine.state.exists());
}

#[tokio::test]
async fn nothing_installed_is_nothing_to_take_back() {
    let scene = Scene::new();
    let report = scene.uninstall().await;
    assert_eq!((changes(&report.changes), report.findings), (vec![], vec![]));
}
