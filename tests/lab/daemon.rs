//! tailscaled that is away, comes late, dies on the way, is locked, or says no.

use std::time::Duration;

use serde_json::{Value, json};
use testenv::{Authkey, Headscale, Host, Lab, Running, Tailscaled, until};

use crate::common::lab;
use crate::daemon_log::DaemonLog;
use crate::refusal::{Refusal, SOON, stays};

const POD_CIDR: &str = "10.42.1.0/24";

/// A control server, a key of it, and a node whose tailscaled is not started yet.
struct Scene {
    lab: Lab,
    headscale: Headscale,
    key: Authkey,
    host: Host,
}

impl Scene {
    fn new(name: &str) -> Option<Scene> {
        let lab = lab(name)?;
        let headscale = lab.headscale().start();
        let key = headscale.user("k8s").reusable_key();
        let host = lab.host("a").start();
        Some(Scene { lab, headscale, key, host })
    }

    /// The words of an `up` that is content with having joined.
    fn up_words(&self, more: &[&str]) -> Vec<String> {
        let auth = self.host.vpn_auth(&self.headscale, &self.key);
        let words =
            ["up", "--json", "--wait", "joined", "--pod-cidr", POD_CIDR, "--vpn-auth", &auth];
        words.iter().chain(more).map(|&word| word.to_owned()).collect()
    }

    fn is_joined(&self, tailscaled: &Tailscaled) {
        is_running(tailscaled);
        assert!(self.headscale.node("a").online);
    }

    /// Kills the daemon once its log says this.
    fn kill_at(&self, tailscaled: &Tailscaled, words: &str) {
        let log = DaemonLog::of(&self.lab, &self.host);
        until(words, SOON, || if log.text().contains(words) { Ok(()) } else { Err("not yet") });
        tailscaled.kill();
    }
}

#[test]
fn a_daemon_that_is_absent_is_named_with_what_starts_it() {
    let Some(scene) = Scene::new("no tailscaled") else { return };
    let tailscaled = scene.host.tailscaled_absent();
    let absent = || {
        let run = scene.host.moorline(scene.up_words(&["--join-deadline", "3s"]));
        assert!((3..10).contains(&run.duration.as_secs()), "{run:?}");
        let socket = tailscaled.socket().display().to_string();
        let error = Refusal::of(run, 7).is("tailscaled-absent", &socket);
        let fix = error.fix.unwrap_or_default();
        assert!(fix.contains("systemctl enable --now tailscaled"), "{fix}");
    };
    absent();
    tailscaled.start();
    tailscaled.kill();
    assert!(tailscaled.socket().exists(), "a socket that nobody listens on any more");
    absent();
}

#[test]
fn a_daemon_that_starts_late_is_waited_for() {
    let Some(scene) = Scene::new("boot order") else { return };
    let tailscaled = scene.host.tailscaled_absent();
    let mut up = scene.host.moorline_with(scene.up_words(&[])).start();
    up.says("systemctl start tailscaled", SOON);
    stays("an `up` that waits", Duration::from_secs(20), || match up.is_running() {
        true => Ok(()),
        false => Err(up.said()),
    });
    tailscaled.start();
    let _ = up.finish(SOON).succeeded();
    scene.is_joined(&tailscaled);
}

/// What tailscaled logs as it begins to log in, as it is taken in, and as it gets routes.
const ON_THE_WAY: [&str; 3] =
    ["control: doLogin", "Switching ipn state NeedsLogin -> Starting", "-> Running"];

#[test]
fn a_daemon_that_is_killed_in_the_middle_and_comes_back_is_joined() {
    for words in ON_THE_WAY {
        let Some(scene) = Scene::new("killed and back") else { return };
        let tailscaled = scene.host.tailscaled();
        let up = scene.host.moorline_with(scene.up_words(&[])).start();
        scene.kill_at(&tailscaled, words);
        tailscaled.start();
        goes_on_or_says_why(&scene, up);
        scene.is_joined(&tailscaled);
        assert_eq!(tailscaled.prefs()["AdvertiseRoutes"], json!([POD_CIDR]), "at {words}");
    }
}

/// An `up` that was past the join may end with the error; then the next one succeeds.
fn goes_on_or_says_why(scene: &Scene, up: Running) {
    let run = up.finish(SOON * 2);
    if run.code != Some(0) {
        let error = Refusal::of(run, 7);
        assert!(
            ["tailscaled-absent", "tailscaled-lost"].contains(&error.code.as_str()),
            "{error:?}"
        );
        assert!(error.fix.is_some(), "{error:?}");
        let _ = scene.host.moorline(scene.up_words(&[])).succeeded();
    }
}

#[test]
fn a_daemon_that_is_killed_in_the_middle_for_good_is_named() {
    let Some(scene) = Scene::new("killed for good") else { return };
    let tailscaled = scene.host.tailscaled();
    let up = scene.host.moorline_with(scene.up_words(&["--join-deadline", "6s"])).start();
    scene.kill_at(&tailscaled, ON_THE_WAY[0]);
    let error = Refusal::of(up.finish(SOON), 7);
    error.is("tailscaled-absent", &tailscaled.socket().display().to_string());
    tailscaled.start();
    let _ = scene.host.moorline(scene.up_words(&[])).succeeded();
    scene.is_joined(&tailscaled);
}

/// tailscaled's configuration file (`ipn/conf.go:18`).
fn config(scene: &Scene, locked: bool, key: Option<&Authkey>) -> Value {
    json!({
        "version": "alpha0",
        "locked": locked,
        "serverURL": scene.headscale.url(),
        "authKey": key.map(Authkey::secret),
        "acceptDNS": false,
    })
}

fn is_running(tailscaled: &Tailscaled) {
    until("a member", SOON, || match tailscaled.status() {
        status if status["BackendState"] == "Running" => Ok(()),
        status => Err(status["BackendState"].clone()),
    });
}

#[test]
fn a_daemon_that_its_configuration_file_locks_is_left_alone() {
    let Some(scene) = Scene::new("locked") else { return };
    let tailscaled = scene.host.tailscaled_by_config(&config(&scene, true, Some(&scene.key)));
    is_running(&tailscaled);
    let prefs = tailscaled.prefs();
    for _ in 0..2 {
        let run = scene.host.moorline(scene.up_words(&[]));
        let error = Refusal::of(run, 4).is("tailscaled-locked", "configuration file");
        assert!(error.fix.is_some_and(|fix| fix.contains("\"locked\": false")));
        assert_eq!(tailscaled.prefs(), prefs);
    }
    let _ = scene.host.moorline(["leave"]).succeeded();
    assert_eq!(tailscaled.prefs(), prefs);
}

#[test]
fn a_locked_daemon_that_never_joined_is_named() {
    let Some(scene) = Scene::new("locked and fresh") else { return };
    let tailscaled = scene.host.tailscaled_by_config(&config(&scene, true, None));
    let prefs = tailscaled.prefs();
    let run = scene.host.moorline(scene.up_words(&["--join-deadline", "10s"]));
    Refusal::of(run, 4).is("tailscaled-locked", "configuration file");
    assert_eq!(tailscaled.prefs(), prefs);
}

#[test]
fn a_configuration_file_that_does_not_lock_is_no_hindrance() {
    let Some(scene) = Scene::new("not locked") else { return };
    let tailscaled = scene.host.tailscaled_by_config(&config(&scene, false, Some(&scene.key)));
    is_running(&tailscaled);
    let _ = scene.host.moorline(scene.up_words(&[])).succeeded();
    scene.is_joined(&tailscaled);
    let _ = scene.host.moorline(["leave"]).succeeded();
}

/// Nobody.
const NOBODY: u32 = 65534;

#[test]
fn a_caller_without_permission_is_told_what_would_give_it() {
    let Some(scene) = Scene::new("nobody") else { return };
    let tailscaled = scene.host.tailscaled();
    let key = scene.host.folder().join("run/key");
    let mine = format!("install -o {NOBODY} -m 600 /dev/stdin {}", key.display());
    let _ = scene.host.shell(&format!("echo {} | {mine}", scene.key.secret())).succeeded();
    let _ = scene.host.shell("install -d -m 777 /run/anybody").succeeded();
    let server = scene.headscale.url();
    let auth = format!("name=tailscale,controlServerURL={server},joinKey=file:/run/key");
    let up = |state: &str| {
        let words = ["up", "--json", "--wait", "joined", "--pod-cidr", POD_CIDR];
        let words = words.into_iter().chain(["--vpn-auth", &auth, "--state-dir", state]);
        let run = scene.host.moorline_with(words).as_user(NOBODY).run();
        Refusal::of(run, 4)
    };
    let fix_of = |error: Refusal| error.fix.unwrap_or_default();
    let prefs = tailscaled.prefs();
    let error = up("/var/lib/moorline").is("state-not-writable", "/var/lib/moorline");
    assert!(fix_of(error).contains("root"));
    let fix = fix_of(up("/run/anybody/state").is("tailscaled-denied", "uid 65534"));
    assert!(fix.contains("root") && fix.contains("--operator"), "{fix}");
    assert_eq!(tailscaled.prefs(), prefs);
    tailscaled.join(&scene.headscale, &scene.key);
    let prefs = tailscaled.prefs();
    assert!(fix_of(up("/run/anybody/state").is("not-root", "moorline0")).contains("root"));
    assert_eq!(tailscaled.prefs(), prefs);
}
