//! Leaving a node that still has pods.

use serde_json::Value;

use crate::common::lab;
use crate::scene::{AUTO_APPROVED, Scene};

fn stays(report: &Value) -> Option<&Value> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["code"] == "bridge-stays")
}

#[test]
fn a_bridge_with_pods_on_it_stays_and_is_told() {
    let Some(lab) = lab("bridge stays") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let a = scene.joined(lab.host("a"), 1);
    let _pod = a.a_pod();
    let report = a.moorline(["leave", "--json", "--keep-enrolled"]).succeeded().json();
    let told = stays(&report).expect("word of the bridge");
    assert_eq!(told["what"], "the bridge moorline0 stays, since 1 interface hangs on it");
    assert!(a.ip("-o link show type bridge").contains("moorline0"));

    a.up(&[]).succeeded();
    a.ip("link delete pod");
    let report = a.moorline(["leave", "--json"]).succeeded().json();
    assert_eq!(stays(&report), None, "{report:#}");
    assert_eq!(a.ip("-o link show type bridge"), "");
}
