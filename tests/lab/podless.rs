//! A node of this cluster that serves no pods.

use std::time::Duration;

use testenv::{Host, until};

use crate::common::lab;
use crate::node::{finding, status, up};

/// Everybody may; the pod CIDRs of one half of the cluster are approved, and no others.
const HALF_APPROVED: &str = r#"{
    "tagOwners": {"tag:k8s": []},
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "autoApprovers": {"routes": {"10.42.0.0/17": ["tag:k8s"]}}
}"#;

/// How long news take through the control server to every node, on a busy machine.
const NEWS: Duration = Duration::from_secs(15);

#[test]
fn a_node_of_the_same_tag_whose_pod_cidr_is_not_approved_is_named_on_the_others() {
    let Some(lab) = lab("podless") else { return };
    let headscale = lab.headscale().policy(HALF_APPROVED).start();
    let key = headscale.tagged_key("tag:k8s");
    let [a, b] = ["a", "b"].map(|name| lab.host(name).start());
    let _daemons = [&a, &b].map(Host::tailscaled);
    let auth = a.vpn_auth(&headscale, &key);
    up(&a, &auth, &["--pod-cidr", "10.42.1.0/24"]).succeeded();
    assert_eq!(finding(&status(&a), "node-without-pods"), None);

    let auth = b.vpn_auth(&headscale, &key);
    up(&b, &auth, &["--pod-cidr", "10.42.200.0/24", "--wait", "joined"]).succeeded();
    let told = until("word of the node", NEWS, || {
        let status = status(&a);
        finding(&status, "node-without-pods").cloned().ok_or(status)
    });
    assert_eq!(told["what"], "b has tag:k8s in common with this node and serves no pod CIDR");
    headscale.approve("b", "10.42.200.0/24");
    until("a node with pods", NEWS, || {
        let status = status(&a);
        if finding(&status, "node-without-pods").is_none() { Ok(()) } else { Err(status) }
    });
    let status = status(&a);
    assert_eq!(status["proof"]["verdict"]["outcome"], "proven", "{status:#}");
}
