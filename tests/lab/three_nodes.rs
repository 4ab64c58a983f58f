//! Nodes behind every kind of NAT become one pod network.

use testenv::{Nat, Pod, Traffic};

use crate::common::lab;
use crate::node::status;
use crate::scene::{AUTO_APPROVED, Joiner, Scene};

fn everybody_reaches_everybody(nodes: &[&Joiner<'_>]) {
    let pods: Vec<Pod> = nodes.iter().map(|node| node.a_pod()).collect();
    pods.iter().for_each(Traffic::serve);
    for (here, one) in pods.iter().enumerate() {
        for (there, other) in pods.iter().enumerate().filter(|(there, _)| *there != here) {
            let (one_name, other_name) = (nodes[here].name(), nodes[there].name());
            assert_eq!(one.fetch(other.v4()).from_address(), one.v4(), "{one_name} {other_name}");
            assert_eq!(one.fetch(other.v6()).from_address(), one.v6(), "{one_name} {other_name}");
        }
    }
}

#[test]
fn pods_behind_any_nat_reach_each_other_under_their_own_addresses() {
    let Some(lab) = lab("three nodes") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let a = scene.node(lab.host("a").public(), 0);
    let b = scene.node(lab.host("b").behind(Nat::PortKeeping), 1);
    let c = scene.node(lab.host("c").behind(Nat::Symmetric), 2);
    a.forward_policy_drop();
    b.strict_rp_filter();
    for node in [&a, &b, &c] {
        let report = node.up(&[]).succeeded().json();
        assert_eq!(report["status"]["stage"], "proven", "{report:#}");
    }
    everybody_reaches_everybody(&[&a, &b, &c]);
    let status = status(&a);
    assert_eq!(status["stage"], "proven", "{status:#}");
    assert_eq!(status["peers"].as_array().map(Vec::len), Some(2), "{status:#}");
}
