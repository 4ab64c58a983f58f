//! Asks the peers' canaries, and gathers evidence where they do not answer.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use linux::icmp::{Echo, Pinger, SMALL};
use linux::{Family, Namespace, Result};
use provider_api::Peer;

use super::addresses;
use super::echoes::{Patience, insist};
use super::evidence::{Between, CanaryEvidence, Evidence, PeerEvidence};
use super::verdict::{crossed, judge};
use super::{Request, Verdict, masquerade, surroundings, trouble};
use crate::cidr::is_share;

/// A packet that crosses half the world twice, or waits for a path to be set up, is in time.
const USUAL: Patience =
    Patience { every: Duration::from_millis(250), deadline: Duration::from_millis(1_250) };

/// Asks every online peer, looks for the cause where one does not answer, and judges. Takes
/// a second where all is well, and some five where it is not.
///
/// # Errors
/// Where this machine does not let us look: no permission, no canary.
pub async fn prove(request: &Request) -> Result<Verdict> {
    let asking = Asking::new(request)?;
    let mut evidence = asking.evidence(request).await?;
    evidence.peers = asking.ask_all().await;
    masquerade::look(&asking.pinger, &request.unserved, &mut evidence).await;
    let hops = match (request.between, &request.canary) {
        (Between::Nodes, _) => None,
        (Between::Pods, Some(_)) => Some(2),
        (Between::Pods, None) => Some(1),
    };
    trouble::look_closer(&asking.pinger, hops, &mut evidence).await?;
    Ok(judge(&evidence))
}

/// Asks every online peer, and returns with the first one that proves the node, or after a
/// second. Looks for no causes: a verdict that is not good has no findings for them.
///
/// # Errors
/// Where this machine does not let us look: no permission, no canary.
pub async fn glance(request: &Request) -> Result<Verdict> {
    let asking = Asking::new(request)?;
    let mut evidence = asking.evidence(request).await?;
    evidence.peers = asking.ask_until_one_answers().await;
    masquerade::look(&asking.pinger, &request.unserved, &mut evidence).await;
    let verdict = judge(&evidence);
    if verdict.outcome.is_good() {
        return Ok(verdict);
    }
    Ok(Verdict { findings: Vec::new(), ..verdict })
}

/// A probe under way.
struct Asking {
    pinger: Pinger,
    mtu: u32,
    questions: Vec<Question>,
}

/// One online peer, and the pairs of addresses to probe.
struct Question {
    peer: Peer,
    pairs: Vec<(IpAddr, IpAddr)>,
}

impl Asking {
    fn new(request: &Request) -> Result<Self> {
        let pinger = match &request.canary {
            Some(path) => Pinger::open_in(&Namespace::open(path)?)?,
            None => Pinger::open()?,
        };
        let online = request.peers.iter().filter(|peer| peer.online);
        let questions = online.map(|peer| Question::new(peer, request)).collect();
        Ok(Asking { pinger, mtu: request.mtu, questions })
    }

    async fn evidence(&self, request: &Request) -> Result<Evidence> {
        let offline = request.peers.iter().filter(|peer| !peer.online);
        Ok(Evidence {
            here: surroundings::look(request).await?,
            peers: Vec::new(),
            offline: offline.map(|peer| peer.name.clone()).collect(),
        })
    }

    async fn ask_all(&self) -> Vec<PeerEvidence> {
        join_all(self.questions.iter().map(|question| self.ask(question))).await
    }

    async fn ask_until_one_answers(&self) -> Vec<PeerEvidence> {
        let asked = self.questions.iter().map(|question| self.ask(question));
        let mut answers: FuturesUnordered<_> = asked.collect();
        let mut peers = Vec::new();
        while let Some(peer) = answers.next().await {
            let good = crossed(&peer);
            peers.push(peer);
            if good {
                break;
            }
        }
        peers
    }

    async fn ask(&self, question: &Question) -> PeerEvidence {
        let canaries = question.pairs.iter().map(|pair| ask(&self.pinger, *pair, self.mtu));
        PeerEvidence {
            id: question.peer.id.clone(),
            name: question.peer.name.clone(),
            canaries: join_all(canaries).await,
        }
    }
}

impl Question {
    fn new(peer: &Peer, request: &Request) -> Self {
        let targets = match request.between {
            Between::Pods => canaries(peer, request),
            Between::Nodes => peer.addresses.clone(),
        };
        let pair = |target: IpAddr| Some((source(request, target.into())?, target));
        Question { peer: peer.clone(), pairs: targets.into_iter().filter_map(pair).collect() }
    }
}

fn canaries(peer: &Peer, request: &Request) -> Vec<IpAddr> {
    let own = |cidr| request.pod_cidrs.contains(cidr);
    let inside = |cidr| is_share(cidr, &request.cluster_cidrs);
    let cidrs = peer.routes.iter().filter(|cidr| inside(*cidr) && !own(*cidr));
    // A prefix too small to hold a canary is no pod CIDR.
    cidrs.filter_map(|cidr| Some(addresses::canary(*cidr).ok()?.addr())).collect()
}

/// Where echoes of a family come from: the canary, or the node itself where it has no pods.
fn source(request: &Request, family: Family) -> Option<IpAddr> {
    if request.canary.is_none() {
        return request.node_addresses.iter().copied().find(|at| Family::from(*at) == family);
    }
    let cidr = request.pod_cidrs.iter().find(|cidr| Family::from(**cidr) == family)?;
    Some(addresses::canary(*cidr).ok()?.addr())
}

/// Small first; full only where small crosses.
pub(super) async fn ask(
    pinger: &Pinger,
    (source, canary): (IpAddr, IpAddr),
    mtu: u32,
) -> CanaryEvidence {
    let small = insist(pinger, &Echo::new(source, canary, SMALL), USUAL).await;
    let full = if small.is_reply() {
        Some(insist(pinger, &Echo::new(source, canary, packet_size(mtu)), USUAL).await)
    } else {
        None
    };
    CanaryEvidence { source, canary, small, full, largest: None, source_kept: None, trouble: None }
}

/// A packet that fills this MTU; no packet is larger than 65,535 bytes.
pub(super) fn packet_size(mtu: u32) -> u16 {
    u16::try_from(mtu).unwrap_or(u16::MAX)
}
