//! The proof cannot be fooled: whatever keeps packets from crossing, the verdict says so, and
//! names it.

use std::time::Duration;

use serde_json::Value;
use testenv::{Hook, Host, Lab, until};

use crate::common::lab;
use crate::node::{finding, status};
use crate::scene::{AUTO_APPROVED, Joiner, Scene};

/// How long a verdict takes at most to follow what is so.
const PATIENCE: Duration = Duration::from_secs(30);

struct Pair<'a> {
    lab: &'a Lab,
    a: Joiner<'a>,
    b: Joiner<'a>,
}

/// Whether the node is proven; else its whole status, for people.
pub(crate) fn proven(status: &Value) -> Result<(), String> {
    if status["stage"] == "proven" { Ok(()) } else { Err(format!("{status:#}")) }
}

/// What a node says now is not *proven*, and its finding of this code says this, and what helps.
pub(crate) fn is_named(node: &Host, code: &str, hint: &str) {
    let now = status(node);
    assert!(proven(&now).is_err(), "proven in spite of {code}: {now:#}");
    let finding = finding(&now, code).unwrap_or_else(|| panic!("no {code}: {now:#}"));
    let what = finding["what"].as_str().expect("what is so");
    assert!(what.contains(hint), "no `{hint}` in {finding:#}");
    assert!(finding["fix"].is_string(), "{finding:#}");
}

impl Pair<'_> {
    fn is_named(&self, code: &str, hint: &str) {
        is_named(&self.a, code, hint);
    }

    fn is_proven_again(&self) {
        until("a node that is proven again", PATIENCE, || proven(&status(&self.a)));
    }

    fn with_forwarding_off(&self) {
        self.a.forwarding(false);
        self.is_named("forwarding-off-here", "net.ipv4.ip_forward is 0");
        let again = self.a.up(&[]).succeeded().json();
        assert_eq!(again["status"]["stage"], "proven", "`up` turns it on: {again:#}");

        self.b.forwarding(false);
        self.is_named("forwarding-off-at-peer", "b itself answers, but forwards nothing");
        self.b.forwarding(true);
        self.is_proven_again();
    }

    /// Each node's firewall in turn drops this of what it forwards.
    fn with_a_forward_drop(&self, of: &str, here: &str) {
        let there = "b forwards, but its firewall drops";
        for (node, code, hint) in
            [(&self.a, "firewall-here", here), (&self.b, "firewall-at-peer", there)]
        {
            let drop = node.drops(Hook::Forward, of);
            self.is_named(code, hint);
            assert!(drop.dropped() > 0);
            drop.heal();
        }
        self.is_proven_again();
    }

    fn with_an_mtu_hole(&self) {
        let hole = self.lab.mtu_hole(&self.a, &self.b, 1300);
        self.is_named("mtu-hole", "vanish on the way to b");
        assert!(hole.dropped() > 0);
        hole.heal();
        self.is_proven_again();
    }
}

#[test]
fn what_keeps_packets_from_crossing_is_named() {
    let Some(lab) = lab("unfooled") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let (a, b) = (scene.joined(lab.host("a"), 0), scene.joined(lab.host("b"), 1));
    let pair = Pair { lab: &lab, a, b };
    pair.is_proven_again();
    pair.with_forwarding_off();
    let everything = "meta l4proto { tcp, udp, icmp, icmpv6 }";
    pair.with_a_forward_drop(everything, "drops its pods' packets to other nodes");
    let replies = "icmp type echo-reply";
    pair.with_a_forward_drop(replies, "drops other nodes' answers to its pods");
    pair.with_an_mtu_hole();
}
