//! A node that belongs to another control server: never silently ignored, never silently moved.

use serde_json::Value;
use testenv::{Headscale, Host, Lab, Run, Running, Tailscaled, until};

use crate::common::lab;
use crate::refusal::{Refusal, SOON};

/// Two control servers, and a node that somebody joined to the first by hand.
struct Scene {
    first: Headscale,
    second: Headscale,
    host: Host,
    tailscaled: Tailscaled,
}

impl Scene {
    fn new(lab: &Lab) -> Scene {
        let first = lab.headscale_on("first").start();
        let second = lab.headscale_on("second").start();
        let host = lab.host("a").start();
        let tailscaled = host.tailscaled();
        tailscaled.join(&first, &first.user("k8s").reusable_key());
        Scene { first, second, host, tailscaled }
    }

    /// `up` at the second server with this key and these words more.
    fn up_at_second(&self, key: &str, more: &[&str]) -> Run {
        let file = self.host.secret_file("join-key", key);
        let without = self.host.vpn_auth_without_key(&self.second);
        let auth = format!("{without},joinKey=file:{}", file.display());
        let words = ["up", "--json", "--wait", "joined", "--vpn-auth", &auth];
        self.host.moorline(words.into_iter().chain(more.iter().copied()))
    }

    /// Checks that the node is in the first network, as it was, and in no other.
    fn is_unmoved(&self, prefs: &Value) {
        until("the first server's node online", SOON, || match self.tailscaled.status() {
            status if status["Self"]["Online"] == true => Ok(()),
            status => Err(status["Self"].clone()),
        });
        assert_eq!(&self.tailscaled.prefs(), prefs);
        assert!(self.first.node("a").online);
        assert_eq!(self.second.nodes().len(), 0);
    }

    fn is_moved(&self) {
        assert_eq!(self.tailscaled.prefs()["ControlURL"], self.second.url());
        until("the node at the second server", SOON, || match self.second.nodes() {
            nodes if nodes.iter().any(|node| node.given_name == "a" && node.online) => Ok(()),
            nodes => Err(nodes),
        });
    }
}

#[test]
fn a_node_of_another_server_is_moved_only_when_told() {
    let Some(lab) = lab("two servers") else { return };
    let scene = Scene::new(&lab);
    let key = scene.second.user("k8s").reusable_key();
    let prefs = scene.tailscaled.prefs();
    for more in [&[][..], &["--rejoin"], &["--dry-run"]] {
        let error = Refusal::of(scene.up_at_second(key.secret(), more), 5);
        let error = error.is("other-control-server", &scene.first.url());
        assert!(error.what.contains(&scene.second.url()), "{error:?}");
        assert!(error.fix.is_some_and(|fix| fix.contains("moorline up --move")));
        scene.is_unmoved(&prefs);
    }
    let _ = scene.up_at_second(key.secret(), &["--move"]).succeeded();
    scene.is_moved();
    let _ = scene.up_at_second(key.secret(), &[]).succeeded();
    scene.is_moved();
}

#[test]
fn a_move_that_fails_leaves_the_node_where_it_was() {
    let Some(lab) = lab("a failed move") else { return };
    let scene = Scene::new(&lab);
    let prefs = scene.tailscaled.prefs();
    let move_it = |key: &str| Refusal::of(scene.up_at_second(key, &["--move"]), 3);
    move_it("hskey-auth-000000000000-wrong").is("auth-key-invalid", "join key");
    scene.is_unmoved(&prefs);
    let without = scene.host.vpn_auth_without_key(&scene.second);
    let words = ["up", "--json", "--move", "--vpn-auth", &without];
    Refusal::of(scene.host.moorline(words), 3).is("auth-key-missing", "joinKey");
    scene.is_unmoved(&prefs);
    scene.second.stop();
    let error = Refusal::of(scene.up_at_second("hskey-auth-000000000000-wrong", &["--move"]), 7);
    error.is("control-refused", &scene.second.url());
    scene.second.start();
    scene.is_unmoved(&prefs);
}

/// An `up --move` to where nobody ever answers, as soon as the daemon has been told.
fn moving_nowhere(lab: &Lab, scene: &Scene) -> Running {
    let key = scene.host.secret_file("join-key", "hskey-auth-000000000000-any");
    let nowhere = format!("http://{}:8080", lab.black_hole());
    let auth = format!(
        "name=tailscale,controlServerURL={nowhere},joinKey=file:{},socket={}",
        key.display(),
        scene.tailscaled.socket().display()
    );
    let words = ["up", "--wait", "joined", "--move", "--vpn-auth", &auth];
    let up = scene.host.moorline_with(words).start();
    until("a daemon that was told to move", SOON, || match scene.tailscaled.prefs() {
        now if now["ControlURL"] == nowhere => Ok(()),
        now => Err(now["ControlURL"].clone()),
    });
    up
}

#[test]
fn a_move_that_is_interrupted_is_taken_back() {
    let Some(lab) = lab("an interrupted move") else { return };
    let scene = Scene::new(&lab);
    let prefs = scene.tailscaled.prefs();
    let up = moving_nowhere(&lab, &scene);
    up.interrupt();
    let _ = up.finish(SOON).ended_with(130);
    scene.is_unmoved(&prefs);
}

#[test]
fn a_move_that_was_killed_is_taken_back_by_leave() {
    let Some(lab) = lab("a killed move") else { return };
    let scene = Scene::new(&lab);
    let prefs = scene.tailscaled.prefs();
    let _ = moving_nowhere(&lab, &scene).kill();
    let _ = scene.host.moorline(["leave"]).succeeded();
    scene.is_unmoved(&prefs);
}

/// The same of a node that Moorline works on already.
#[test]
fn a_move_of_a_node_of_ours_is_taken_back_as_well() {
    let Some(lab) = lab("a move of ours") else { return };
    let scene = Scene::new(&lab);
    let auth = scene.host.vpn_auth_without_key(&scene.first);
    let _ = scene.host.moorline(["up", "--wait", "joined", "--vpn-auth", &auth]).succeeded();
    let prefs = scene.tailscaled.prefs();
    let up = moving_nowhere(&lab, &scene);
    up.interrupt();
    let _ = up.finish(SOON).ended_with(130);
    scene.is_unmoved(&prefs);
    let _ = moving_nowhere(&lab, &scene).kill();
    let _ = scene.host.moorline(["leave"]).succeeded();
    until("a control server as before", SOON, || match scene.tailscaled.prefs() {
        now if now["ControlURL"] == prefs["ControlURL"] => Ok(()),
        now => Err(now["ControlURL"].clone()),
    });
}

#[test]
fn another_spelling_of_the_same_server_is_no_other_server() {
    let Some(lab) = lab("one server, two spellings") else { return };
    let headscale = lab.headscale().start();
    let host = lab.host("a").start();
    let tailscaled = host.tailscaled();
    tailscaled.join(&headscale, &headscale.user("k8s").reusable_key());
    let without = host.vpn_auth_without_key(&headscale);
    let slash = without.replace(&headscale.url(), &format!("{}/", headscale.url()));
    let shouted = without.replace("http://", "HTTP://");
    let unsaid = without.replace(&format!("controlServerURL={},", headscale.url()), "");
    for auth in [slash, shouted, unsaid] {
        let _ = host.moorline(["up", "--wait", "joined", "--vpn-auth", &auth]).succeeded();
        assert_eq!(tailscaled.prefs()["ControlURL"], headscale.url(), "{auth}");
    }
}
