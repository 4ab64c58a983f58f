//! A machine whose IPv6 is off: it joins by IPv4, and is told what it misses.

use testenv::until;

use crate::common::lab;
use crate::node::{finding, status};
use crate::refusal::SOON;
use crate::scene::{AUTO_APPROVED, Scene};

#[test]
fn a_node_without_ipv6_joins_by_ipv4() {
    let Some(lab) = lab("no IPv6") else { return };
    let headscale = lab.headscale().policy(AUTO_APPROVED).start();
    let host = lab.host("a").start();
    for which in ["all", "default"] {
        let _ = host.shell(&format!("sysctl -w net.ipv6.conf.{which}.disable_ipv6=1")).succeeded();
    }
    let tailscaled = host.tailscaled();
    let auth = host.vpn_auth(&headscale, &headscale.user("k8s").reusable_key());
    let words = ["up", "--json", "--wait", "joined", "--cluster-cidr", "10.42.0.0/16"];
    let more = ["--pod-cidr", "10.42.1.0/24", "--vpn-auth", &auth];
    let run = host.moorline(words.into_iter().chain(more)).succeeded();
    assert!(run.duration < SOON, "{run:?}");
    let report = status(&host);
    assert!(finding(&report, "address-missing").is_some(), "{report:#}");
    assert_eq!(tailscaled.status()["BackendState"], "Running");
}

#[test]
fn an_interface_that_was_down_and_lost_its_ipv6_address_is_told() {
    let Some(lab) = lab("down and up") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let node = scene.joined(lab.host("a"), 1);
    assert!(finding(&status(&node), "address-missing").is_none());
    node.ip("link set tailscale0 down");
    node.ip("link set tailscale0 up");
    until("the lost address told", SOON, || match status(&node) {
        report if finding(&report, "address-missing").is_some() => Ok(()),
        report => Err(report["findings"].clone()),
    });
}
