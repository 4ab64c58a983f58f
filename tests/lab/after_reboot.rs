//! A machine after a reboot: what the kernel held is gone, what is on disk is there.

use testenv::Host;

use crate::common::lab;
use crate::node::{finding, fix, status};
use crate::scene::{AUTO_APPROVED, Scene};

/// Takes away what a reboot takes away, but for the daemon, which comes back by itself.
fn forget_as_a_reboot_does(host: &Host) {
    host.ip("link delete moorline0");
    let run = host.folder().join("run/moorline").display().to_string();
    host.shell(&format!("umount {run}/netns/canary && rm -r {run}")).succeeded();
    for family in ["", "-6 "] {
        host.shell(&format!("while ip {family}rule delete protocol 77; do :; done")).succeeded();
    }
    host.shell("nft delete table inet moorline-tailscale");
    host.forwarding(false);
}

#[test]
fn after_a_reboot_nothing_is_proven_until_the_next_up() {
    let Some(lab) = lab("reboot") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let a = scene.joined(lab.host("a"), 1);
    let _b = scene.joined(lab.host("b"), 2);
    let before = status(&a);
    assert_eq!(before["stage"], "proven", "{before:#}");
    assert_eq!(finding(&before, "canary-missing"), None);

    forget_as_a_reboot_does(&a);
    let status = status(&a);
    assert_ne!(status["stage"], "proven", "{status:#}");
    assert_eq!(fix(&status, "canary-missing"), "moorline up");

    let report = a.up(&[]).succeeded().json();
    assert_eq!(report["status"]["stage"], "proven", "{report:#}");
}
