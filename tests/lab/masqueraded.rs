//! Pods' packets that leave with the node's address: their answers prove no route.

use std::time::Duration;

use testenv::until;

use crate::common::lab;
use crate::node::{finding, fix, route_stage, status, up};

const POD_CIDR: &str = "10.42.1.0/24";

/// Everybody may; only the other node's pods are approved.
const POLICY: &str = r#"{
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "autoApprovers": {"routes": {"10.42.2.0/24": ["k8s@"]}}
}"#;

/// How long news take through the control server to a node, on a busy machine.
const NEWS: Duration = Duration::from_secs(15);

#[test]
fn answers_to_a_masqueraded_pod_make_no_route_served() {
    let Some(lab) = lab("masqueraded") else { return };
    let headscale = lab.headscale().policy(POLICY).start();
    let key = headscale.user("k8s").reusable_key();
    let [a, b] = ["a", "b"].map(|name| lab.host(name).start());
    let _daemons = [&a, &b].map(testenv::Host::tailscaled);
    let auth = b.vpn_auth(&headscale, &key);
    up(&b, &auth, &["--pod-cidr", "10.42.2.0/24"]).succeeded();
    a.nft(&format!(
        "add table ip pods
         add chain ip pods out {{ type nat hook postrouting priority srcnat; }}
         add rule ip pods out ip saddr {POD_CIDR} oifname tailscale0 masquerade"
    ));

    let auth = a.vpn_auth(&headscale, &key);
    let words = ["--pod-cidr", POD_CIDR, "--wait-for", "10s"];
    let ended = up(&a, &auth, &words).ended_with(8).json()["status"].take();
    assert_eq!(ended["stage"], "joined", "{ended:#}");
    let now = until("a look at a peer that answers", NEWS, || {
        let status = status(&a);
        if status["proof"]["verdict"]["outcome"] == "proven" { Ok(status) } else { Err(status) }
    });
    assert_eq!(now["stage"], "joined", "{now:#}");
    assert_ne!(route_stage(&now, POD_CIDR), Some("served"), "{now:#}");
    assert!(fix(&now, "pods-masqueraded").contains(POD_CIDR), "{now:#}");

    headscale.approve("a", POD_CIDR);
    a.nft("delete table ip pods");
    let healed = until("a node that is proven", NEWS, || {
        let status = status(&a);
        if status["stage"] == "proven" { Ok(status) } else { Err(status) }
    });
    assert_eq!(finding(&healed, "pods-masqueraded"), None, "{healed:#}");
}
