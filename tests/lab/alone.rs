//! The only node there is: it makes sure that the control server still knows it.

use std::time::Duration;

use crate::common::lab;
use crate::node::{fix, status, up};
use crate::scene::{AUTO_APPROVED, Scene};

const WORDS: [&str; 2] = ["--pod-cidr", "10.42.1.0/24"];

#[test]
fn an_up_of_a_lone_node_that_was_deleted_calls_nothing_proven() {
    let Some(lab) = lab("deleted alone") else { return };
    let headscale = lab.headscale().policy(AUTO_APPROVED).start();
    let key = headscale.user("k8s").reusable_key();
    let host = lab.host("a").start();
    let _tailscaled = host.tailscaled();
    let auth = host.vpn_auth(&headscale, &key);
    up(&host, &auth, &WORDS).succeeded();
    let again = up(&host, &auth, &WORDS).succeeded();
    assert_eq!(again.json()["status"]["stage"], "proven");

    headscale.delete_node("a");
    let run = up(&host, &auth, &WORDS).ended_with(8);
    assert!(run.duration < Duration::from_secs(30), "{run:?}");
    let report = run.json();
    assert_eq!(report["status"]["stage"], "apart", "{report:#}");
    assert!(fix(&report["status"], "deleted").contains("--rejoin"));
}

#[test]
fn a_status_of_a_lone_healthy_node_is_quick() {
    let Some(lab) = lab("healthy alone") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let a = scene.joined(lab.host("a"), 1);
    let run = a.moorline(["status", "--json", "--prove"]).succeeded();
    assert_eq!(run.json()["stage"], "proven");
    assert!(run.duration < Duration::from_secs(3), "{run:?}");
    assert_eq!(status(&a)["stage"], "proven");
}
