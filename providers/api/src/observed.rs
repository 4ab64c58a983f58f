//! How a network stands now.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ClusterName, Finding, NodeId, Repair};

/// How a network stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Whether the node can be reached through the network now: joined, with address and
    /// interface up.
    pub up: bool,
    /// How this node and its control server stand.
    pub control: Control,
    /// This node's addresses in the network.
    pub addresses: Vec<IpAddr>,
    /// Marks that administrators gave this node, such as Tailscale's tags.
    pub tags: Vec<String>,
    /// The interface that carries them.
    pub interface: String,
    /// The interface's MTU, in bytes.
    pub mtu: u32,
    /// Every prefix that this node advertises, ours and the admin's.
    pub routes: Vec<OwnRoute>,
    /// Everybody else that this node can see in the network.
    pub peers: Vec<Peer>,
    /// What the daemon said of itself on the way, without being asked twice.
    pub findings: Vec<Finding>,
    /// Why own routes are not served, as far as this node was told. Void where packets show
    /// that they are.
    pub route_findings: Vec<Finding>,
    /// What the provider sees broken of its own, and asks to be nudged.
    #[serde(default)]
    pub wants: Vec<Repair>,
}

/// How this node and its control server stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// Connected now.
    Connected,
    /// Not connected now; what was learned before still holds.
    Disconnected,
    /// The control server wants a new login: deleted, expired or logged out there.
    LoginNeeded,
    /// There is no control server, or nothing is known of it.
    Unknown,
}

/// A prefix that this node advertises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnRoute {
    /// The prefix.
    pub prefix: IpNet,
    /// Whether the ledger says that it is ours.
    pub ours: bool,
    /// How far it has come.
    pub stage: RouteStage,
}

/// How far an own route has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteStage {
    /// Offered; nothing is known of what the control server made of it.
    Advertised,
    /// For certain not approved.
    Unapproved,
    /// Not served: either not approved, or approved and hidden by policy. Which of the two
    /// cannot be told from here.
    Withheld,
    /// Approved, but policy hides it from every peer.
    Hidden,
    /// Approved, but another node serves this prefix.
    Standby,
    /// Peers send traffic for it here.
    Served,
}

/// Somebody else in the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// The control server's id of it.
    pub id: NodeId,
    /// Its name in the network.
    pub name: String,
    /// The cluster that it belongs to, where that is known for certain.
    pub cluster: Option<ClusterName>,
    /// Marks that administrators gave it, such as Tailscale's tags.
    pub tags: Vec<String>,
    /// Its addresses in the network.
    pub addresses: Vec<IpAddr>,
    /// The prefixes that it serves, beside its own addresses.
    pub routes: Vec<IpNet>,
    /// Whether the control server believes that it is online. Late by seconds.
    pub online: bool,
    /// How packets reach it.
    pub path: Path,
    /// When it was last heard of.
    pub last_contact: Option<Timestamp>,
    /// The command with which an administrator removes it for good, such as
    /// `headscale nodes delete -i 7`.
    pub removal: Option<String>,
}

/// How packets reach a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// Straight to this endpoint.
    Direct(SocketAddr),
    /// Through a relay of this name.
    Relayed(String),
    /// Nothing was sent lately.
    Idle,
}
