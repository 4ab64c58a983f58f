//! A cluster that keeps its own CNI: the proof is between the nodes.

use std::time::Duration;

use serde_json::Value;
use testenv::{Hook, Host, until};

use crate::common::lab;
use crate::node::{finding, status, up};

const OPEN: &str = r#"{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}"#;

/// How long news take through the control server to a node, on a busy machine.
const NEWS: Duration = Duration::from_secs(30);

fn verdict(status: &Value) -> &Value {
    &status["proof"]["verdict"]
}

#[test]
fn in_mode_underlay_packets_cross_between_nodes() {
    let Some(lab) = lab("underlay") else { return };
    let headscale = lab.headscale().policy(OPEN).start();
    let key = headscale.user("k8s").reusable_key();
    let [a, b] = ["a", "b"].map(|name| lab.host(name).start());
    let _daemons = [&a, &b].map(Host::tailscaled);
    // A CNI that was here first.
    b.bridge("cni0", "10.42.9.1/24");
    let join = |host: &Host| {
        let auth = host.vpn_auth(&headscale, &key);
        up(host, &auth, &["--mode", "underlay"]).succeeded().json()["status"].take()
    };
    let alone = join(&a);
    assert_eq!(verdict(&alone)["outcome"], "alone", "{alone:#}");
    let proven = join(&b);
    assert_eq!(proven["stage"], "proven", "{proven:#}");
    assert_eq!(verdict(&proven)["outcome"], "proven", "{proven:#}");
    assert_eq!(verdict(&proven)["between"], "nodes", "{proven:#}");
    assert_eq!(finding(&proven, "cidr-overlaps-local-network"), None, "{proven:#}");
    assert!(b.moorline(["status"]).succeeded().says("packets cross between nodes"));

    let drop = a.drops(Hook::Input, "iifname tailscale0");
    let cut = until("a node that nobody answers", NEWS, || {
        let status = status(&b);
        if verdict(&status)["outcome"] == "unproven" { Ok(status) } else { Err(status) }
    });
    assert_eq!(cut["stage"], "served", "{cut:#}");
    assert!(finding(&cut, "one-direction").is_some(), "{cut:#}");
    assert!(drop.dropped() > 0);
}
