//! What is put on bridges is taken back from them: another's after a change, an earlier one of ours.

use serde_json::json;
use testenv::{Host, Run};

use crate::common::lab;
use crate::node;
use crate::scene::{AUTO_APPROVED, Scene};

fn up(host: &Host, scene: &Scene, pod_cidr: &str, bridge: &str) -> Run {
    let words = ["--wait", "joined", "--pod-cidr", pod_cidr, "--pod-bridge", bridge];
    node::up(host, &scene.auth(host), &words).succeeded()
}

#[test]
fn a_gateway_on_somebody_elses_bridge_is_taken_back() {
    let Some(lab) = lab("lent gateway") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let host = lab.host("a").start();
    let _tailscaled = host.tailscaled();
    host.bridge("cni0", "10.9.9.1/24");
    let addresses = || host.ip("-4 -o address show dev cni0");
    let before = addresses();

    up(&host, &scene, "10.42.1.0/24", "cni0");
    assert!(addresses().contains("10.42.1.1/24"), "{}", addresses());
    up(&host, &scene, "10.42.2.0/24", "cni0");
    assert!(addresses().contains("10.42.2.1/24"), "{}", addresses());
    assert!(!addresses().contains("10.42.1.1/24"), "{}", addresses());
    let again = up(&host, &scene, "10.42.2.0/24", "cni0").json();
    assert_eq!(again["changes"]["changes"], json!([]));

    let _ = host.moorline(["leave"]).succeeded();
    assert_eq!(addresses(), before);
}

#[test]
fn an_earlier_bridge_of_ours_is_removed() {
    let Some(lab) = lab("earlier bridge") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let host = lab.host("a").start();
    let _tailscaled = host.tailscaled();
    up(&host, &scene, "10.42.1.0/24", "moorline0");
    up(&host, &scene, "10.42.1.0/24", "pods0");
    let links = host.ip("-o link show type bridge");
    assert!(links.contains("pods0") && !links.contains("moorline0"), "{links}");
    let again = up(&host, &scene, "10.42.1.0/24", "pods0").json();
    assert_eq!(again["changes"]["changes"], json!([]));
    let _ = host.moorline(["leave"]).succeeded();
    assert_eq!(host.ip("-o link show type bridge"), "");
}
