//! Leaving without the daemon, without the control server, and in two steps.

use serde_json::Value;
use testenv::{Host, Tailscaled, until};

use crate::common::lab;
use crate::node::{status, up};
use crate::refusal::{Refusal, SOON};
use crate::scene::{AUTO_APPROVED, Scene};

/// What Moorline holds in this host's kernel.
fn in_the_kernel(host: &Host) -> String {
    let held = host.shell(
        "ip -o link | grep moorline; ip rule list | grep 'proto 77'; \
         ip -6 rule list | grep 'proto 77'; nft list tables | grep moorline; true",
    );
    held.succeeded().stdout
}

fn networks(host: &Host) -> Value {
    let text = std::fs::read_to_string(host.state_dir().join("state.json")).expect("a state file");
    let mut state: Value = serde_json::from_str(&text).expect("JSON");
    state["networks"].take()
}

fn is_logged_out(tailscaled: &Tailscaled) {
    until("a node that is logged out", SOON, || {
        match tailscaled.status()["BackendState"].as_str() {
            Some("NeedsLogin") => Ok(()),
            state => Err(state.map(str::to_owned)),
        }
    });
}

#[test]
fn a_node_whose_daemon_is_gone_can_be_left() {
    let Some(lab) = lab("left without daemon") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let a = lab.host("a").start();
    let tailscaled = a.tailscaled();
    up(&a, &scene.auth(&a), &["--pod-cidr", "10.42.1.0/24"]).succeeded();
    assert!(in_the_kernel(&a).contains("moorline0"));
    tailscaled.kill();
    let error = Refusal::of(a.moorline(["leave", "--json"]), 7);
    let error = error.is("tailscaled-absent", "10.42.1.0/24");
    assert!(error.fix.is_some_and(|fix| fix.contains("--keep-enrolled")));
    assert_eq!(in_the_kernel(&a), "");
    assert_ne!(networks(&a), serde_json::json!({}), "what the daemon keeps is not forgotten");

    let _ = a.moorline(["leave", "--keep-enrolled"]).succeeded();
    assert_eq!(networks(&a), serde_json::json!({}));
}

#[test]
fn an_enrolment_that_was_kept_can_be_left_later() {
    let Some(lab) = lab("kept enrolled") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let host = lab.host("a").start();
    let tailscaled = host.tailscaled();
    let auth = scene.auth(&host);
    let join = || up(&host, &auth, &["--pod-cidr", "10.42.1.0/24"]).succeeded();

    join();
    let _ = host.moorline(["leave", "--keep-enrolled"]).succeeded();
    assert!(tailscaled.is_running());
    Refusal::of(host.moorline(["status", "--json"]), 2).is("no-network", "no network");
    join();
    assert_eq!(status(&host)["membership"]["enrolment"], "ours");
    let report = host.moorline(["leave", "--json"]).succeeded().json();
    assert_eq!(report["enrolled"], false);
    is_logged_out(&tailscaled);

    join();
    let _ = host.moorline(["leave", "--keep-enrolled"]).succeeded();
    let _ = host.moorline(["leave"]).succeeded();
    is_logged_out(&tailscaled);
}
