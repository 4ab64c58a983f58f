//! Whom to probe, and from where.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use provider_api::Peer;

use super::evidence::Between;
use super::responder::ClusterKey;

/// Whom to probe, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What packets are to cross between.
    pub between: Between,
    /// Where the canary's namespace is pinned; none for a node without pods, which probes from
    /// its own addresses.
    pub canary: Option<PathBuf>,
    /// This node's own pod CIDRs.
    pub pod_cidrs: Vec<IpNet>,
    /// Those of them that the network does not call served. An answer there shows that they
    /// are, if the request left with the address that it had.
    pub unserved: Vec<IpNet>,
    /// The cluster's CIDRs: canaries lie inside.
    pub cluster_cidrs: Vec<IpNet>,
    /// The bridge that pods hang on.
    pub pod_bridge: String,
    /// This node's addresses in the network.
    pub node_addresses: Vec<IpAddr>,
    /// The interface that carries them.
    pub interface: String,
    /// What it carries, in bytes.
    pub mtu: u32,
    /// The cluster's key, to ask responders who they are; none asks nobody.
    pub key: Option<ClusterKey>,
    /// The nodes of this cluster, online and offline.
    pub peers: Vec<Peer>,
}
