//! The proof cannot be fooled: whatever keeps packets from crossing, the verdict says so, and
//! names it.

use std::time::Duration;

use serde_json::Value;
use testenv::{Hook, Lab, until};

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
fn proven(status: &Value) -> Result<(), String> {
    if status["stage"] == "proven" { Ok(()) } else { Err(format!("{status:#}")) }
}

impl Pair<'_> {
    /// What `a` says now is not *proven*, and names this of `b`.
    fn is_named(&self, code: &str, hint: &str) {
        let now = status(&self.a);
        assert!(proven(&now).is_err(), "proven in spite of {code}: {now:#}");
        let finding = finding(&now, code).unwrap_or_else(|| panic!("no {code}: {now:#}"));
        let what = finding["what"].as_str().expect("what is so");
        assert!(what.contains(hint), "no `{hint}` in {finding:#}");
        assert!(finding["fix"].is_string(), "{finding:#}");
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

    fn with_a_forward_drop(&self) {
        let everything = "meta l4proto { tcp, udp, icmp, icmpv6 }";
        let drop = self.a.drops(Hook::Forward, everything);
        self.is_named("firewall-here", "drops its pods' packets to other nodes");
        assert!(drop.dropped() > 0);
        drop.heal();

        let drop = self.b.drops(Hook::Forward, everything);
        self.is_named("firewall-at-peer", "b forwards, but its firewall drops");
        assert!(drop.dropped() > 0);
        drop.heal();
        self.is_proven_again();
    }

    fn with_replies_blocked_one_way(&self) {
        let replies = "icmp type echo-reply";
        let drop = self.a.drops(Hook::Forward, replies);
        self.is_named("firewall-here", "drops other nodes' answers to its pods");
        assert!(drop.dropped() > 0);
        drop.heal();

        let drop = self.b.drops(Hook::Forward, replies);
        self.is_named("firewall-at-peer", "b forwards, but its firewall drops");
        assert!(drop.dropped() > 0);
        drop.heal();
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
    pair.with_a_forward_drop();
    pair.with_replies_blocked_one_way();
    pair.with_an_mtu_hole();
}
