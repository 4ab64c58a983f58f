//! What a node became by joining.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Enrolment, NodeId};

/// What a node became by joining.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The control server's id of this node.
    pub node: NodeId,
    /// The node's name in the network.
    pub name: String,
    /// Its addresses there, IPv4 first.
    pub addresses: Vec<IpAddr>,
    /// The interface that carries them.
    pub interface: String,
    /// The interface's MTU, in bytes.
    pub mtu: u32,
    /// Who enrolled it.
    pub enrolment: Enrolment,
    /// The control server, as a URL; none for a provider without one.
    pub control_server: Option<String>,
    /// The version of the daemon behind the provider.
    pub daemon_version: Option<String>,
    /// When the membership ends unless somebody renews it.
    pub expires: Option<Timestamp>,
}
