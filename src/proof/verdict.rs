//! What the probes came to: a pure function of the evidence.

use std::net::IpAddr;
use std::time::Duration;

use provider_api::{Finding, NodeId, Severity};
use serde::{Deserialize, Serialize};

use super::cause::{Beyond, Cause, cause};
use super::evidence::{Between, CanaryEvidence, Evidence, PeerEvidence};
use super::line::Word;
use super::told::{self, Subject};

/// What the probes came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The answer in a word.
    pub outcome: Outcome,
    /// What packets were to cross between.
    #[serde(default)]
    pub between: Between,
    /// Each probed peer, by name.
    pub peers: Vec<PeerVerdict>,
    /// Why it is not better, each with what helps.
    pub findings: Vec<Finding>,
}

/// The answer in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The canary of at least one online peer answered, at full size too, in each family that
    /// both have.
    Proven,
    /// There is no other node with pods that is online: nobody to prove with.
    Alone,
    /// Somebody should have answered, and nobody did.
    Unproven,
    /// Nobody could be asked, or nobody is known to be there to answer: never counted as good.
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
    /// What its responder says of its cluster.
    #[serde(default)]
    pub kin: Kin,
    /// One line for each of its canaries.
    pub crossings: Vec<Crossing>,
}

/// What a peer's responder says of its cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kin {
    /// It holds the key of this cluster.
    Ours,
    /// It holds the key of another cluster.
    Foreign,
    /// Nothing was heard of it.
    #[default]
    Unknown,
}

/// What was seen of one canary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Crossing {
    /// Where the echoes came from.
    pub source: IpAddr,
    /// Whether they left this machine with that address; none where that cannot be told, or
    /// where no answer hangs on it.
    pub source_kept: Option<bool>,
    /// The canary's address.
    pub canary: IpAddr,
    /// The shortest round trip that was seen; none where not even a small packet was answered.
    pub round_trip: Option<Duration>,
    /// The largest IP packet that was answered, in bytes.
    pub largest: Option<u32>,
    /// Whether small and full-size packets crossed, both ways.
    pub crossed: bool,
    /// How the way has been lately; none where it was asked once.
    #[serde(default)]
    pub quality: Option<Quality>,
}

/// How the way to a canary has been lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// The shortest round trip.
    pub shortest: Duration,
    /// The median of the round trips.
    pub median: Duration,
    /// How many questions were asked.
    pub asked: usize,
    /// How many of them were lost.
    pub lost: usize,
}

/// Judges the evidence.
pub fn judge(evidence: &Evidence) -> Verdict {
    let outcome = outcome(evidence);
    let mut peers: Vec<_> =
        evidence.peers.iter().map(|peer| told_peer(peer, evidence.here.mtu)).collect();
    peers.sort_by(|one, other| one.name.cmp(&other.name));
    let between = evidence.here.between;
    Verdict { outcome, between, peers, findings: findings(evidence, outcome) }
}

/// Whether every canary of the peer answered, small and full. A stranger's prove nothing.
pub(super) fn crossed(peer: &PeerEvidence) -> bool {
    !is_foreign(peer) && !peer.canaries.is_empty() && peer.canaries.iter().all(both_sizes)
}

/// Whether one of its canaries holds the key of another cluster.
pub(super) fn is_foreign(peer: &PeerEvidence) -> bool {
    kin(peer) == Kin::Foreign
}

/// What its responders say of its cluster.
pub(super) fn kin(peer: &PeerEvidence) -> Kin {
    let mut words = peer.canaries.iter().filter_map(|canary| canary.word.as_ref());
    match words.clone().any(|word| *word == Word::Foreign) {
        true => Kin::Foreign,
        false if words.any(|word| matches!(word, Word::Kin { .. })) => Kin::Ours,
        false => Kin::Unknown,
    }
}

fn both_sizes(canary: &CanaryEvidence) -> bool {
    canary.small.is_reply() && canary.full.as_ref().is_some_and(linux::icmp::Outcome::is_reply)
}

fn outcome(evidence: &Evidence) -> Outcome {
    let mut peers = own(evidence).peekable();
    let canaries = || own(evidence).flat_map(|peer| &peer.canaries);
    let nobody_there =
        |canary| matches!(cause(canary, &evidence.here), Some(Cause::Beyond(Beyond::NoCanary)));
    if peers.peek().is_none() {
        let nobody = evidence.unasked.is_empty();
        if nobody { Outcome::Alone } else { Outcome::Unknown }
    } else if peers.any(crossed) {
        Outcome::Proven
    } else if canaries().all(nobody_there) {
        Outcome::Unknown
    } else {
        Outcome::Unproven
    }
}

/// The peers that nobody knows to be strangers.
fn own(evidence: &Evidence) -> impl Iterator<Item = &PeerEvidence> {
    evidence.peers.iter().filter(|peer| !is_foreign(peer))
}

fn told_peer(peer: &PeerEvidence, mtu: u32) -> PeerVerdict {
    let crossing = |canary: &CanaryEvidence| Crossing {
        source: canary.source,
        source_kept: canary.source_kept,
        canary: canary.canary,
        round_trip: shortest_round_trip(canary),
        largest: if both_sizes(canary) { Some(mtu) } else { canary.largest },
        crossed: both_sizes(canary),
        quality: None,
    };
    let crossings = peer.canaries.iter().map(crossing).collect();
    PeerVerdict { id: peer.id.clone(), name: peer.name.clone(), kin: kin(peer), crossings }
}

/// The first packet may have waited for a path or a neighbour.
fn shortest_round_trip(canary: &CanaryEvidence) -> Option<Duration> {
    let full = canary.full.as_ref().and_then(linux::icmp::Outcome::round_trip);
    canary.small.round_trip().into_iter().chain(full).min()
}

fn findings(evidence: &Evidence, outcome: Outcome) -> Vec<Finding> {
    // What keeps nobody else from being reached is trouble of one peer.
    let severity = match outcome {
        Outcome::Proven => Severity::Warning,
        Outcome::Alone | Outcome::Unproven | Outcome::Unknown => Severity::Error,
    };
    let between = evidence.here.between;
    let mut findings: Vec<Finding> = Vec::new();
    let causes = own(evidence).flat_map(|peer| {
        peer.canaries.iter().filter_map(move |canary| {
            let subject = Subject { peer: &peer.name, canary: canary.canary, severity, between };
            Some(told::finding(&cause(canary, &evidence.here)?, subject, &evidence.here))
        })
    });
    let apart = own(evidence).filter(|peer| peer.canaries.is_empty());
    let causes = causes.chain(apart.map(|peer| no_common_family(&peer.name, between)));
    let masked = own(evidence).filter_map(masqueraded_there);
    for finding in causes.chain(masked).chain(alone(evidence, outcome)) {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}

/// What left with a pod's address, and reached the peer's pods with one of the peer's.
fn masqueraded_there(peer: &PeerEvidence) -> Option<Finding> {
    let seen = peer.canaries.iter().find_map(|canary| match &canary.word {
        Some(Word::Kin { source, .. }) => {
            let translated = *source != canary.source && canary.source_kept != Some(false);
            translated.then_some(source)
        }
        Some(Word::Foreign | Word::Nobody | Word::Silence) | None => None,
    })?;
    let name = &peer.name;
    let finding = Finding::new(
        Severity::Warning,
        "masqueraded-at-peer",
        format!("{name} translates other nodes' pods: its own pods see {seen} in their place"),
        "network policies and logs there take one node's pods for another's",
    );
    Some(finding.fix(format!(
        "on {name}: nft list ruleset; iptables-save -t nat   # leave packets of the cluster's pods \
         out of the masquerade"
    )))
}

fn no_common_family(peer: &str, between: Between) -> Finding {
    let (what, fix) = match between {
        Between::Pods => (
            format!("{peer} serves pods in no address family that this node has pods in"),
            "give both nodes a pod CIDR of the same family",
        ),
        Between::Nodes => (
            format!("{peer} has an address in no family that this node has one in"),
            "give both nodes an address of the same family",
        ),
    };
    let why = "pods here and there cannot reach each other";
    Finding::new(Severity::Warning, "no-common-family", what, why).fix(fix)
}

fn alone(evidence: &Evidence, outcome: Outcome) -> Option<Finding> {
    let why = "there is nobody to prove with; the next look proves as soon as somebody is there";
    let what = match (outcome, evidence.offline.as_slice()) {
        (Outcome::Alone, []) if evidence.here.between == Between::Nodes => {
            "no other node of this cluster is in the network yet".to_owned()
        }
        (Outcome::Alone, []) => "this cluster has no other node with pods yet".to_owned(),
        (Outcome::Alone, offline) => {
            format!("every other node of this cluster is offline: {}", offline.join(", "))
        }
        (Outcome::Proven | Outcome::Unproven | Outcome::Unknown, _) => return None,
    };
    let code = if evidence.offline.is_empty() { "no-other-node" } else { "nobody-online" };
    Some(Finding::new(Severity::Info, code, what, why))
}

#[cfg(test)]
mod tests;
