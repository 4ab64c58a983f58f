//! The interface that somebody deletes, or sets down.

use provider_api::Repair;
use testenv::until;

use crate::common::lab;
use crate::node::{finding, status, up};
use crate::refusal::{Refusal, SOON};
use crate::repairs::{JOINS, Pair};
use crate::scene::{AUTO_APPROVED, Scene};

/// tailscaled ends with success: a supervisor that restarts it on failure alone leaves it dead.
#[test]
fn a_deleted_interface_ends_the_daemon_and_a_restart_mends_all() {
    let Some(lab) = lab("deleted interface") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let pair = Pair::new(&lab, &scene, |_| ());
    pair.break_by("ip link delete tailscale0");
    assert_eq!(pair.tailscaled.ends(SOON).code(), Some(0));
    let run = pair.a.moorline(["status", "--json", "--prove"]);
    let error = Refusal::of(run, 7);
    let error = error.is("tailscaled-absent", &pair.tailscaled.socket().display().to_string());
    assert!(error.fix.is_some_and(|fix| fix.contains("systemctl enable --now tailscaled")));

    pair.tailscaled.start();
    pair.is_whole();
}

#[test]
fn an_interface_that_was_set_down_comes_back_with_its_routes() {
    let Some(lab) = lab("interface down") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let pair = Pair::new(&lab, &scene, |_| ());

    pair.break_by("ip link set tailscale0 down");
    pair.is_named("interface-down", "tailscale0 is set down");
    pair.is_repaired_by(Repair::PeerRoutes);
    pair.is_whole();

    // Set up again by hand it has lost its routes, and its IPv6 address.
    pair.break_by("ip link set tailscale0 down; ip link set tailscale0 up");
    pair.is_named("peer-routes-gone", "10.42.2.0/24");
    pair.is_named("address-missing", "fd7a:115c:a1e0::1");
    pair.is_repaired_by(Repair::PeerRoutes);
    pair.is_whole();
}

#[test]
fn up_sets_the_interface_up() {
    let Some(lab) = lab("up after down") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let pair = Pair::new(&lab, &scene, |_| ());
    pair.break_by("ip link set tailscale0 down");
    up(&pair.a, &pair.auth, &JOINS).succeeded();
    pair.is_proven();
    let report = status(&pair.a);
    assert_eq!(finding(&report, "interface-down"), None, "{report:#}");
    assert_eq!(finding(&report, "address-missing"), None, "{report:#}");
    until("the node's own address", SOON, || match pair.tables().contains("fd7a:115c:a1e0::1") {
        true => Ok(()),
        false => Err(pair.tables()),
    });
}
