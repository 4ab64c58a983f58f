//! What the probes came to: a pure function of the evidence.

use std::net::IpAddr;
use std::time::Duration;

use provider_api::{Finding, NodeId};
use serde::{Deserialize, Serialize};

/// What the probes came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The answer in a word.
    pub outcome: Outcome,
    /// Each probed peer, by name.
    pub peers: Vec<PeerVerdict>,
    /// Why it is not better, each with what helps.
    pub findings: Vec<Finding>,
}

/// The answer in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The canary of at least one online peer answered, at full size too.
    Proven,
    /// There is no other node yet, or this node owns no pod CIDR: nothing to prove with.
    Alone,
    /// Somebody should have answered, and nobody did.
    Unproven,
    /// Nobody could be asked, or the asking failed: never counted as good.
    Unknown,
}

impl Outcome {
    /// Whether nothing is left to be proven.
    pub const fn is_good(self) -> bool {
        matches!(self, Outcome::Proven | Outcome::Alone)
    }
}

/// What was seen of one peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerVerdict {
    /// The control server's id of the peer.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// One line for each of its canaries.
    pub crossings: Vec<Crossing>,
}

/// What was seen of one canary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Crossing {
    /// The canary's address.
    pub canary: IpAddr,
    /// The round trip of a small packet that was answered.
    pub round_trip: Option<Duration>,
    /// The largest IP packet that was answered, in bytes.
    pub largest: Option<u32>,
    /// Whether small and full-size packets crossed, both ways.
    pub crossed: bool,
}
