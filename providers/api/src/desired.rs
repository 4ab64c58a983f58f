//! The whole state that the host asks a network for.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The whole state that the host asks a network for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Who routes the pods' traffic.
    pub mode: RouteMode,
    /// This node's own pod CIDRs, to be advertised. Empty for a member without pods, and in
    /// [`RouteMode::Underlay`].
    pub pod_cidrs: Vec<IpNet>,
    /// The cluster's CIDRs: what peers of this cluster may advertise.
    pub cluster_cidrs: Vec<IpNet>,
}

/// Who routes the pods' traffic between nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteMode {
    /// Moorline: each node advertises its pod CIDRs to the network.
    Routed,
    /// The cluster's own CNI, on top of the node's address in the network.
    Underlay,
}
