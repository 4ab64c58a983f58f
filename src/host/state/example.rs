//! A node that is a member, for tests of what is remembered.

use provider_api::{Enrolment, Membership, NodeId};
use serde_json::json;

use super::NetworkState;

/// A node of cluster `default`, with pods, that somebody enrolled.
pub(in crate::host) fn member(enrolment: Enrolment) -> NetworkState {
    let state = json!({
        "provider": "tailscale",
        "cluster": "default",
        "pod_bridge": "moorline0",
        "settings": {
            "network": "tailscale", "values": {}, "secrets": [], "extra_args": [],
            "node_name": null, "allow_move": false, "allow_rejoin": false,
            "join_deadline": {"secs": 60, "nanos": 0},
        },
        "desired": {
            "mode": "routed", "pod_cidrs": ["10.42.1.0/24"], "cluster_cidrs": ["10.42.0.0/16"],
        },
        "ledger": {"enrolment": enrolment},
    });
    let state: NetworkState = serde_json::from_value(state).expect("a state");
    NetworkState { membership: Some(membership(enrolment)), ..state }
}

fn membership(enrolment: Enrolment) -> Membership {
    Membership {
        node: NodeId::new("1"),
        name: "a".into(),
        addresses: vec![],
        interface: "tailscale0".into(),
        mtu: 1280,
        enrolment,
        control_server: None,
        daemon_version: None,
        expires: None,
    }
}
