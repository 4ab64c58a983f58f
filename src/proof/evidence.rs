//! What was seen, as plain data: the verdict is a pure function of it.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use linux::icmp;
use linux::nftables::{Chain, Dropped};
use provider_api::NodeId;
use serde::{Deserialize, Serialize};

use super::Request;
use super::line::Word;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What this node looks like, as far as pods' packets are concerned.
    pub here: Here,
    /// The online peers that were asked.
    pub peers: Vec<PeerEvidence>,
    /// The names of the peers that are offline, and were not asked.
    pub offline: Vec<String>,
    /// The names of those that are online, and were not asked yet.
    pub unasked: Vec<String>,
}

/// What packets are to cross between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Between {
    /// Pods: from the canary of this node, or from a node without pods, to a peer's canary.
    #[default]
    Pods,
    /// Nodes: from this node's own address in the network to a peer's.
    Nodes,
}

/// What this node looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Here {
    /// What packets are to cross between.
    pub between: Between,
    /// The pods' bridge.
    pub bridge: String,
    /// The network's interface.
    pub interface: String,
    /// The network's MTU, in bytes: what a full packet is.
    pub mtu: u32,
    /// Forwarding settings that are off, and should be on, by the family that they stop.
    pub not_forwarding: Vec<Setting>,
    /// This node's pod CIDRs that the network does not call served.
    pub unserved: Vec<IpNet>,
    /// Whether the network's interface drops packets that would be answered by another one.
    pub strict_reverse_path: bool,
    /// Chains at the forward hook that drop what no rule accepts; none where that is unknown.
    pub drop_policies: Option<Vec<Chain>>,
}

impl Here {
    /// This node, where nobody has looked yet.
    pub(super) fn unseen(request: &Request) -> Self {
        Here {
            between: request.between,
            bridge: request.pod_bridge.clone(),
            interface: request.interface.clone(),
            mtu: request.mtu,
            not_forwarding: Vec::new(),
            unserved: request.unserved.clone(),
            strict_reverse_path: false,
            drop_policies: None,
        }
    }
}

/// A kernel setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The family that it is about.
    pub family: linux::Family,
    /// Its key, as `sysctl` takes it.
    pub key: String,
}

/// What was seen of one peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerEvidence {
    /// The control server's id of it.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// One for each of its pod CIDRs, in the families that this node has too.
    pub canaries: Vec<CanaryEvidence>,
}

/// What was seen of one canary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryEvidence {
    /// Where the echoes came from.
    pub source: IpAddr,
    /// The peer's canary.
    pub canary: IpAddr,
    /// What a small echo came to.
    pub small: icmp::Outcome,
    /// What an echo of the network's MTU came to; none where the small one failed.
    pub full: Option<icmp::Outcome>,
    /// The largest IP packet that was answered, in bytes; where the full one was not.
    pub largest: Option<u32>,
    /// Whether requests leave this machine with the address that they had; none where that
    /// cannot be told, or where no answer hangs on it.
    pub source_kept: Option<bool>,
    /// What its responder said; none where that was not asked.
    pub word: Option<Word>,
    /// What became of each question to its responder: its round trip, or none where it was
    /// lost.
    pub tries: Vec<Option<Duration>>,
    /// What was looked at where the small echo failed.
    pub trouble: Option<Trouble>,
}

/// What was looked at where a small echo failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What the peer's own address on its pod bridge answered: that needs no forwarding there.
    pub gateway: icmp::Outcome,
    /// What came of an echo that may just reach the peer's machine, and go no further: a
    /// machine that forwards says so.
    pub last_hop: icmp::Outcome,
    /// What the peer's own address in the network answered to this node's own address; none
    /// where that was not asked.
    pub node: Option<icmp::Outcome>,
    /// What the canary answered to this node's own address; none where that was not asked.
    pub from_node: Option<icmp::Outcome>,
    /// Whether the peer's own questions arrive here meanwhile, as far as a responder hears.
    pub heard: bool,
    /// The interface that this node's routes name for the peer's canary; none without a route.
    pub way_out: Option<String>,
    /// The interface that this node's routes name for the own canary.
    pub way_back: Option<String>,
    /// Where packets passed on this machine; none where that cannot be told, for want of `nft`.
    pub counted: Option<Counted>,
    /// Packets between the two canaries that this machine's firewall was seen to drop.
    pub dropped: Vec<Dropped>,
}

/// How many echoes passed where, on this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Requests that came off the pods' bridge, or from this machine itself.
    pub request_in: u64,
    /// Requests that left by the network's interface.
    pub request_out: u64,
    /// Those of them that left with another address than they had.
    pub request_masked: u64,
    /// Requests that left by any other interface.
    pub request_astray: u64,
    /// Answers that came in by the network's interface.
    pub reply_in: u64,
    /// Answers that came in by any other interface.
    pub reply_astray: u64,
    /// Answers that were handed to the pods' bridge, or to this machine itself.
    pub reply_out: u64,
}
