//! A node whose first `up` failed: it is no member yet, and nobody put it out.

use crate::common::lab;
use crate::keys::{up, with_key};
use crate::node::{finding, fix, status};
use crate::refusal::Refusal;

#[test]
fn a_node_that_never_joined_is_told_to_join_and_not_to_come_back() {
    let Some(lab) = lab("never joined") else { return };
    let headscale = lab.headscale().start();
    let key = headscale.user("k8s").reusable_key();
    let host = lab.host("a").start();
    let tailscaled = host.tailscaled();
    let wrong = "hskey-auth-000000000000-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    Refusal::of(up(&host, &with_key(&host, &headscale, wrong)), 3).is("auth-key-invalid", "");
    let apart = status(&host);
    assert_eq!(fix(&apart, "not-enrolled"), "moorline up");
    assert!(!apart.to_string().contains("--rejoin"), "{apart:#}");

    let _ = up(&host, &with_key(&host, &headscale, key.secret())).succeeded();
    assert_eq!(finding(&status(&host), "not-enrolled"), None);
    let _ = tailscaled.tailscale(&["logout"]);
    assert!(fix(&status(&host), "logged-out").contains("--rejoin"));
}
