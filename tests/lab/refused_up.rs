//! An `up` that is refused leaves the node wanting what it wanted.

use serde_json::{Value, json};

use crate::common::lab;
use crate::node::{finding, status, up};
use crate::refusal::Refusal;
use crate::scene::{AUTO_APPROVED, Scene};

/// What the node wants, as `status` and its state file have it.
fn wants(state: &std::path::Path) -> Value {
    let text = std::fs::read_to_string(state.join("state.json")).expect("a state file");
    let mut state: Value = serde_json::from_str(&text).expect("JSON");
    let network = state["networks"]["tailscale"].take();
    json!([network["desired"], network["cluster"], network["pod_bridge"], network["settings"]])
}

#[test]
fn a_refused_up_changes_nothing_of_what_a_working_node_wants() {
    let Some(lab) = lab("refused") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let a = scene.joined(lab.host("a"), 1);
    let _b = scene.joined(lab.host("b"), 2);
    let before = wants(&a.state_dir());
    let bridges = a.ip("-o address show type bridge");

    let auth = scene.auth(&a);
    let taken = ["--pod-cidr", "10.42.2.0/24", "--cluster", "other"];
    Refusal::of(up(&a, &auth, &taken), 5).is("pod-cidr-taken", "10.42.2.0/24");
    let inside_the_vpn = ["--cluster-cidr", "100.64.0.0/16"];
    Refusal::of(up(&a, &auth, &inside_the_vpn), 2).is("cidr-overlaps-vpn-range", "100.64.0.0/16");

    assert_eq!(wants(&a.state_dir()), before);
    assert_eq!(a.ip("-o address show type bridge"), bridges);
    let status = status(&a);
    assert_eq!(status["stage"], "proven", "{status:#}");
    assert_eq!(status["cluster"], "default");
}

#[test]
fn an_earlier_proof_proves_nothing_for_other_pods() {
    let Some(lab) = lab("other pods") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let a = scene.joined(lab.host("a"), 1);
    let _b = scene.joined(lab.host("b"), 2);
    assert_eq!(status(&a)["stage"], "proven");
    let words = ["--pod-cidr", "10.42.3.0/24", "--wait", "joined"];
    let report = up(&a, &scene.auth(&a), &words).succeeded().json();
    assert_eq!(report["status"]["proof"], Value::Null, "{report:#}");
    assert_ne!(report["status"]["stage"], "proven", "{report:#}");
    assert_eq!(finding(&report["status"], "canary-missing"), None);
}
