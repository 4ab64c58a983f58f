//! What the commands answer: the same facts for people and for `--json`.

use std::time::Duration;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use provider_api::{
    ClusterName, Finding, Membership, NetworkName, OwnRoute, Peer, Plan, ProviderName,
};
use serde::{Deserialize, Serialize};

use crate::host::Stage;
use crate::proof::{Outcome, Verdict};

/// What `up` came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpReport {
    /// How the node stands at the end.
    pub status: StatusReport,
    /// What was changed on the way; empty where all was as desired.
    pub changes: Plan,
    /// The stage that was waited for.
    pub wanted: Option<Stage>,
    /// How long it took.
    pub took: Duration,
}

impl UpReport {
    /// Whether the stage that was waited for was reached.
    pub fn reached(&self) -> bool {
        self.wanted.is_none_or(|wanted| self.status.stage >= wanted)
    }
}

/// How this node stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The version of this shape.
    pub version: u32,
    /// The cluster that the node belongs to.
    pub cluster: ClusterName,
    /// The cluster's CIDRs.
    pub cluster_cidrs: Vec<IpNet>,
    /// This node's own pod CIDRs; none for a member without pods.
    #[serde(default)]
    pub pod_cidrs: Vec<IpNet>,
    /// The network's key in state.
    pub network: NetworkName,
    /// The kind of VPN.
    pub provider: ProviderName,
    /// What the node is in the network; none where it is no member.
    pub membership: Option<Membership>,
    /// How far the node has come.
    pub stage: Stage,
    /// The prefixes that it advertises.
    pub routes: Vec<OwnRoute>,
    /// Everybody else.
    pub peers: Vec<PeerReport>,
    /// The last proof; none where nothing was probed yet.
    pub proof: Option<Proof>,
    /// What is wrong, or will be; the worst first.
    pub findings: Vec<Finding>,
}

/// One peer, and what this cluster has to do with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerReport {
    /// The peer as the network knows it.
    #[serde(flatten)]
    pub peer: Peer,
    /// Whether it belongs to this cluster.
    pub kinship: Kinship,
}

/// What a peer is to this cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kinship {
    /// It has a node's part in the network, and its cluster's name or a tag in common says that
    /// the cluster is this one.
    Node,
    /// It has a node's part, and nothing says in which cluster.
    Unknown,
    /// It belongs to somebody else: another cluster, for certain.
    Foreign,
    /// It has no node's part: it serves no pod CIDR inside this cluster's CIDRs; in mode
    /// underlay, its tags are none of ours.
    Bystander,
}

/// A verdict with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// When the last probe ended.
    pub at: Timestamp,
    /// What it came to.
    pub verdict: Verdict,
}

impl Proof {
    /// A verdict that was just come to.
    pub fn now(verdict: Verdict) -> Self {
        Proof { at: Timestamp::now(), verdict }
    }

    /// Whether it still speaks for the present: packets crossed, and that was just now.
    pub fn holds(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.at);
        self.verdict.outcome == Outcome::Proven && !age.is_negative() && age <= HOLDS
    }
}

/// How long a proof speaks for the present: as long as a control server takes to notice that
/// a node is gone.
const HOLDS: SignedDuration = SignedDuration::from_secs(10);

/// What `leave` did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaveReport {
    /// What was taken back, in order.
    pub changes: Plan,
    /// What could not be taken back, or was left as the admin has it.
    pub findings: Vec<Finding>,
    /// Whether the node is still enrolled.
    pub enrolled: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::Between;

    fn holds(outcome: Outcome, seconds: i64) -> bool {
        let (between, peers, findings) = (Between::Pods, Vec::new(), Vec::new());
        let verdict = Verdict { outcome, between, peers, findings };
        let proof = Proof { at: Timestamp::UNIX_EPOCH, verdict };
        proof.holds(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds))
    }

    #[test]
    fn only_packets_that_crossed_just_now_speak_for_the_present() {
        assert!(holds(Outcome::Proven, 0) && holds(Outcome::Proven, 10));
        assert!(!holds(Outcome::Proven, 11));
        assert!(!holds(Outcome::Proven, -5), "a clock that was set back");
        assert!(!holds(Outcome::Alone, 0), "somebody may have come");
        assert!(!holds(Outcome::Unproven, 0));
    }
}
