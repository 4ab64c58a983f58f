//! A route that peers do not use: why, and what mends it. A node that an administrator removed.

use std::time::Duration;

use serde_json::Value;
use testenv::{Authkey, Headscale, Host, Lab, Tailscaled, until};

use crate::common::lab;
use crate::node::{edits, finding, fix, route_stage, status, up};

const POD_CIDR: &str = "10.42.1.0/24";

/// Everybody may, and the pod CIDRs are approved.
const OPEN: &str = r#"{
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "autoApprovers": {"routes": {"10.42.0.0/16": ["k8s@"]}}
}"#;

/// Nodes reach each other, and nobody's pods.
const NODES_ALONE: &str = r#"{
    "acls": [{"action": "accept", "src": ["100.64.0.0/10"], "dst": ["100.64.0.0/10:*"]}]
}"#;

/// Nodes and pods reach each other; nobody approves anything by itself.
const NODES_AND_PODS: &str = r#"{
    "acls": [{"action": "accept",
              "src": ["100.64.0.0/10", "10.42.0.0/16"],
              "dst": ["100.64.0.0/10:*", "10.42.0.0/16:*"]}]
}"#;

/// The pods are approved and may be reached, by nodes alone.
const NODES_INTO_PODS: &str = r#"{
    "acls": [{"action": "accept",
              "src": ["100.64.0.0/10"],
              "dst": ["100.64.0.0/10:*", "10.42.0.0/16:*"]}],
    "autoApprovers": {"routes": {"10.42.0.0/16": ["k8s@"]}}
}"#;

/// Everybody may; nobody approves anything by itself.
const UNAPPROVED: &str = r#"{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}"#;

/// How long news take from the control server to a node, on a busy machine.
const NEWS: Duration = Duration::from_secs(15);

/// A control server with this policy, and a node that is ready to join.
struct Scene {
    headscale: Headscale,
    host: Host,
    tailscaled: Tailscaled,
    key: Authkey,
    auth: String,
}

impl Scene {
    fn start(lab: &Lab, policy: &str) -> Scene {
        let headscale = lab.headscale().policy(policy).start();
        let key = headscale.user("k8s").reusable_key();
        let host = lab.host("a").start();
        let tailscaled = host.tailscaled();
        let auth = host.vpn_auth(&headscale, &key);
        Scene { headscale, host, tailscaled, key, auth }
    }

    /// The status with which an `up` ends that is not served.
    fn not_served(&self, auth: &str, patience: &str) -> Value {
        let words = ["--pod-cidr", POD_CIDR, "--wait-for", patience];
        let mut report = up(&self.host, auth, &words).ended_with(8).json();
        report["status"].take()
    }

    /// The text for `--vpn-auth` that lets the control server's own API be asked.
    fn with_api_key(&self) -> String {
        let file = self.host.secret_file("api-key", &self.headscale.api_key());
        let (keys, _join_key) = self.auth.split_once(",joinKey").expect("a key");
        format!("{keys},controlAPIKey=file:{}", file.display())
    }

    fn is_served(&self) {
        until("a route that is served", NEWS, || {
            let status = status(&self.host);
            let served = route_stage(&status, POD_CIDR) == Some("served");
            if served { Ok(()) } else { Err(status) }
        });
    }

    /// Runs a command that was printed for the control server's administrator.
    fn run(&self, printed: &str) {
        let words: Vec<&str> =
            printed.split_whitespace().map(|word| word.trim_matches('"')).collect();
        assert_eq!(words[0], "headscale");
        self.headscale.admin(&words[1..]);
    }
}

/// The line of a fix that holds this.
fn line<'a>(fix: &'a str, words: &str) -> &'a str {
    let line = fix.lines().find(|line| line.contains(words));
    line.unwrap_or_else(|| panic!("no `{words}` in\n{fix}")).trim()
}

#[test]
fn an_unapproved_route_is_named_and_the_printed_command_mends_it() {
    let Some(lab) = lab("not approved") else { return };
    let scene = Scene::start(&lab, UNAPPROVED);
    let status = scene.not_served(&scene.auth, "10s");
    assert_eq!(
        (&status["stage"], route_stage(&status, POD_CIDR)),
        (&"joined".into(), Some("unapproved"))
    );
    let fix = fix(&status, "route-not-approved");
    let approve = line(fix, "approve-routes");
    let id = scene.headscale.node("a").id;
    assert_eq!(approve, format!("headscale nodes approve-routes -i {id} -r \"{POD_CIDR}\""));
    assert!(fix.contains("autoApprovers"), "{fix}");
    assert_eq!(line(fix, "10.42.0.0/16"), r#""10.42.0.0/16": ["k8s@"],"#);

    let edits_before = edits(&lab, &scene.host);
    scene.run(approve);
    scene.is_served();
    assert_eq!(edits(&lab, &scene.host), edits_before);
    assert!(scene.tailscaled.is_running());
    let words = ["--pod-cidr", POD_CIDR];
    let report = up(&scene.host, &scene.auth, &words).succeeded().json();
    assert_eq!(report["status"]["stage"], "proven");
}

#[test]
fn the_printed_command_keeps_what_is_approved_already() {
    let Some(lab) = lab("approved before") else { return };
    let scene = Scene::start(&lab, UNAPPROVED);
    let key = scene.headscale.user("admin").reusable_key();
    scene.tailscaled.join(&scene.headscale, &key);
    scene.tailscaled.tailscale(&["set", "--advertise-routes=192.168.7.0/24"]);
    scene.headscale.approve("a", "192.168.7.0/24");
    let status = scene.not_served(&scene.auth, "5s");
    scene.run(line(fix(&status, "route-not-approved"), "approve-routes"));
    let approved = scene.headscale.node("a").approved_routes;
    let approved: Vec<String> = approved.iter().map(ToString::to_string).collect();
    assert_eq!(approved, [POD_CIDR, "192.168.7.0/24"]);
    scene.is_served();
}

#[test]
fn the_packet_filter_tells_what_is_missing_where_policy_names_the_pods() {
    let Some(lab) = lab("the filter tells") else { return };
    let scene = Scene::start(&lab, NODES_AND_PODS);
    let status = scene.not_served(&scene.auth, "5s");
    let fix = fix(&status, "route-not-approved");
    assert!(!fix.contains("acls"), "{fix}");
    scene.headscale.approve("a", POD_CIDR);
    scene.is_served();
}

#[test]
fn hidden_by_policy_is_told_apart_where_the_control_server_may_be_asked() {
    let Some(lab) = lab("hidden") else { return };
    let scene = Scene::start(&lab, NODES_ALONE);
    let unknown = scene.not_served(&scene.auth, "5s");
    let both = fix(&unknown, "route-withheld");
    for part in ["approve-routes", "autoApprovers", "acls", "controlAPIKey"] {
        assert!(both.contains(part), "no {part} in\n{both}");
    }

    let asking = scene.with_api_key();
    let unapproved = scene.not_served(&asking, "5s");
    assert!(!fix(&unapproved, "route-not-approved").contains("acls"));

    scene.headscale.approve("a", POD_CIDR);
    assert!(fix(&scene.not_served(&scene.auth, "5s"), "route-withheld").contains("acls"));
    let hidden = scene.not_served(&asking, "5s");
    let allow = fix(&hidden, "route-hidden");
    assert!(allow.contains("acls") && !allow.contains("approve-routes"), "{allow}");
    assert_eq!(route_stage(&hidden, POD_CIDR), Some("hidden"));
    scene.headscale.set_policy(OPEN);
    scene.is_served();
}

#[test]
fn served_and_forbidden_to_pods_is_not_proven() {
    let Some(lab) = lab("forbidden to pods") else { return };
    let scene = Scene::start(&lab, OPEN);
    up(&scene.host, &scene.auth, &["--pod-cidr", POD_CIDR]).succeeded();
    let b = lab.host("b").start();
    let _tailscaled = b.tailscaled();
    let auth = b.vpn_auth(&scene.headscale, &scene.key);
    up(&b, &auth, &["--pod-cidr", "10.42.2.0/24"]).succeeded();
    scene.headscale.set_policy(NODES_INTO_PODS);
    let status = until("a status that says so", NEWS, || {
        let status = status(&scene.host);
        if status["stage"] == "served" { Ok(status) } else { Err(status) }
    });
    assert_eq!(status["proof"]["verdict"]["outcome"], "unproven");
    let fixes = status["findings"].as_array().expect("findings").iter();
    let mut fixes = fixes.filter_map(|finding| finding["fix"].as_str());
    assert!(fixes.any(|fix| fix.contains("moorline policy print")), "{status:#}");
}

#[test]
fn a_node_that_was_deleted_or_expired_says_so() {
    let Some(lab) = lab("removed") else { return };
    let scene = Scene::start(&lab, OPEN);
    let b = lab.host("b").start();
    let _tailscaled = b.tailscaled();
    let auth = b.vpn_auth(&scene.headscale, &scene.key);
    let words = ["--pod-cidr", POD_CIDR];
    up(&scene.host, &scene.auth, &words).succeeded();
    up(&b, &auth, &["--pod-cidr", "10.42.2.0/24"]).succeeded();

    scene.headscale.expire_node("a");
    removed(&scene, "expired");
    up(&scene.host, &scene.auth, &[&words[..], &["--rejoin"]].concat()).succeeded();
    assert_eq!(finding(&status(&scene.host), "expired"), None);

    scene.headscale.delete_node("a");
    removed(&scene, "deleted");
    let again = up(&scene.host, &scene.auth, &[&words[..], &["--rejoin"]].concat()).succeeded();
    assert_eq!(again.json()["status"]["stage"], "proven");
}

#[test]
fn a_lone_node_that_was_deleted_says_so_too() {
    let Some(lab) = lab("removed alone") else { return };
    let scene = Scene::start(&lab, OPEN);
    up(&scene.host, &scene.auth, &["--pod-cidr", POD_CIDR]).succeeded();
    scene.headscale.delete_node("a");
    removed(&scene, "deleted");
}

/// Waits until the status says so; then `up` refuses to win back what was taken on purpose.
fn removed(scene: &Scene, code: &str) {
    let status = until("a status that says so", NEWS, || {
        let status = status(&scene.host);
        if finding(&status, code).is_some() { Ok(status) } else { Err(status) }
    });
    assert!(fix(&status, code).contains("--rejoin"), "{status:#}");
    assert_eq!(status["stage"], "apart", "{status:#}");
    let refused = up(&scene.host, &scene.auth, &["--pod-cidr", POD_CIDR]).ended_with(4).json();
    assert_eq!(refused["error"]["code"], code);
    assert!(refused["error"]["fix"].as_str().is_some_and(|fix| fix.contains("--rejoin")));
}
