//! Commands at the same time, and a daemon that restarts under one of them.

use std::time::Duration;

use testenv::{Host, until};

use crate::common::lab;
use crate::node::{finding, status};
use crate::refusal::SOON;
use crate::scene::{AUTO_APPROVED, Scene};

#[test]
fn a_status_that_probes_does_not_keep_an_up_out() {
    let Some(lab) = lab("status beside up") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let a = scene.joined(lab.host("a"), 1);
    let b = scene.joined(lab.host("b"), 2);
    // A probe that nobody answers takes its time.
    let _silence = lab.silence(&b);
    let mut looking = a.moorline_with(["status", "--json", "--prove"]).start();
    let up = a.up(&["--wait", "joined"]).succeeded();
    assert!(looking.is_running(), "{up:?}");
    let seen = looking.finish(SOON).succeeded().json();
    assert_eq!(seen["stage"], "served", "{seen:#}");
}

/// Nobody approves anything by itself.
const UNAPPROVED: &str = r#"{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}"#;

fn served(host: &Host) {
    until("a route that waits for approval", SOON, || {
        let status = status(host);
        if finding(&status, "route-not-approved").is_some() { Ok(()) } else { Err(status) }
    });
}

#[test]
fn an_up_that_waits_outlives_a_restart_of_the_daemon() {
    let Some(lab) = lab("restart under up") else { return };
    let headscale = lab.headscale().policy(UNAPPROVED).start();
    let key = headscale.user("k8s").reusable_key();
    let host = lab.host("a").start();
    let tailscaled = host.tailscaled();
    let auth = host.vpn_auth(&headscale, &key);
    let words = ["up", "--json", "--pod-cidr", "10.42.1.0/24", "--wait-for", "60s"];
    let mut up = host.moorline_with(words.iter().chain(&["--vpn-auth", &auth])).start();
    up.says("10.42.1.0/24 needs approval", SOON);
    tailscaled.kill();
    up.says("no tailscaled listens", SOON);
    tailscaled.start();
    served(&host);
    headscale.approve("a", "10.42.1.0/24");
    let report = up.finish(Duration::from_secs(60)).succeeded().json();
    assert_eq!(report["status"]["stage"], "proven", "{report:#}");
}
