//! headscale's REST API, version 1 (0.29.2, `hscontrol/grpcv1.go`).

use async_trait::async_trait;
use ipnet::IpNet;
use jiff::Timestamp;
use provider_api::{NodeId, Result};
use serde::Deserialize;

use super::http::Http;
use super::{ControlApi, ControlNode, moment};
use crate::route_stage::ControlRoutes;

pub(super) struct Headscale(pub(super) Http);

#[async_trait]
impl ControlApi for Headscale {
    /// The list alone says which routes are served: `subnetRoutes` is empty in the answer
    /// about one node.
    async fn nodes(&self) -> Result<Vec<ControlNode>> {
        let answer: Answer = self.0.read("api/v1/node").await?;
        Ok(answer.nodes.into_iter().map(ControlNode::from).collect())
    }
}

#[derive(Deserialize)]
struct Answer {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    id: String,
    node_key: String,
    given_name: String,
    #[serde(default)]
    online: bool,
    expiry: Option<Timestamp>,
    pre_auth_key: Option<PreAuthKey>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    available_routes: Vec<IpNet>,
    #[serde(default)]
    approved_routes: Vec<IpNet>,
    #[serde(default)]
    subnet_routes: Vec<IpNet>,
}

/// The key that the node was enrolled with, until somebody deletes it.
#[derive(Deserialize)]
struct PreAuthKey {
    #[serde(default)]
    ephemeral: bool,
}

impl From<Node> for ControlNode {
    fn from(node: Node) -> Self {
        ControlNode {
            id: NodeId::new(node.id),
            name: node.given_name,
            key: node.node_key,
            tags: node.tags,
            online: Some(node.online),
            expires: moment(node.expiry),
            ephemeral: node.pre_auth_key.map(|key| key.ephemeral),
            routes: ControlRoutes {
                advertised: node.available_routes,
                approved: node.approved_routes,
                served: Some(node.subnet_routes),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As headscale 0.29.2 answered, shortened.
    const ANSWER: &str = r#"{"nodes":[{"id":"1","machineKey":"mkey:35","nodeKey":"nodekey:90",
        "ipAddresses":["100.64.0.1","fd7a:115c:a1e0::1"],"name":"a","user":{"id":"1","name":"k8s"},
        "lastSeen":"2026-11-23T16:15:13.740611150Z","expiry":null,"preAuthKey":{"id":"1","reusable":true,"ephemeral":true},
        "registerMethod":"REGISTER_METHOD_AUTH_KEY","givenName":"a","online":true,
        "approvedRoutes":["10.42.0.0/24","2001:cafe:42::/64"],
        "availableRoutes":["10.42.0.0/24"],"subnetRoutes":["10.42.0.0/24"],"tags":["tag:k8s"]},
        {"id":"4","nodeKey":"nodekey:4e","givenName":"fake","online":false,
        "expiry":"0001-01-01T00:00:00Z","approvedRoutes":[],"availableRoutes":[],
        "subnetRoutes":[],"tags":[]}]}"#;

    #[test]
    fn a_node_is_read_as_headscale_writes_it() {
        let answer: Answer = serde_json::from_str(ANSWER).expect("an answer");
        let nodes: Vec<ControlNode> = answer.nodes.into_iter().map(ControlNode::from).collect();
        let own: IpNet = "10.42.0.0/24".parse().expect("a prefix");
        assert_eq!(nodes[0].routes.served.as_deref(), Some(&[own][..]));
        assert_eq!(nodes[0].routes.approved.len(), 2);
        assert_eq!((nodes[0].online, nodes[0].expires), (Some(true), None));
        assert_eq!(nodes[1].routes.served.as_deref(), Some(&[][..]));
        assert_eq!(nodes[1].expires, None, "the year 1 is never");
        assert_eq!((nodes[0].ephemeral, nodes[1].ephemeral), (Some(true), None));
    }
}
