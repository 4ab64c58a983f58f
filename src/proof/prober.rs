//! Asks the peers' canaries, and gathers evidence where they do not answer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use linux::icmp::Pinger;
use linux::{Family, Namespace, Result};
use provider_api::{NodeId, Peer};

use super::addresses;
use super::evidence::{Between, Evidence, PeerEvidence};
use super::line::{Line, Manner};
use super::target::{Target, source_kept};
use super::verdict::{crossed, judge};
use super::{Request, Verdict, masquerade, surroundings, trouble};
use crate::cidr::is_share;

/// Asks every online peer, looks for the cause where one does not answer, and judges. Takes
/// a second where all is well, and some five where it is not.
///
/// # Errors
/// Where this machine does not let us look: no permission, no canary.
pub async fn prove(request: &Request) -> Result<Verdict> {
    let all = request.peers.iter().map(|peer| peer.id.clone()).collect();
    let round = Round { request: request.clone(), counted: BTreeSet::new(), closer: all };
    Ok(judge(&probe(&round).await?))
}

/// Whom to ask, and how closely to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Whom to ask: all of its peers that are online.
    pub request: Request,
    /// Those of them that are asked often enough to tell how many packets are lost.
    pub counted: BTreeSet<NodeId>,
    /// Those whose silence is looked at closely, which takes four seconds more.
    pub closer: BTreeSet<NodeId>,
}

/// Asks, and looks closer where nobody answers. Dropping the future leaves nothing behind but
/// counters that the next one takes down.
///
/// # Errors
/// Where this machine does not let us look: no permission, no canary.
pub async fn probe(round: &Round) -> Result<Evidence> {
    let asking = Asking::new(round)?;
    let mut evidence = asking.evidence(&round.request).await?;
    evidence.peers = asking.ask_all().await;
    masquerade::look(&asking.pinger, &round.request.unserved, &mut evidence).await;
    trouble::look_closer(&asking.pinger, round, &mut evidence).await?;
    Ok(evidence)
}

/// Asks every online peer, and returns with the first one that proves the node, or after a
/// second. Looks for no causes: a verdict that is not good has no findings for them.
///
/// # Errors
/// Where this machine does not let us look: no permission, no canary.
pub async fn glance(request: &Request) -> Result<Verdict> {
    let (counted, closer) = (BTreeSet::new(), BTreeSet::new());
    let asking = Asking::new(&Round { request: request.clone(), counted, closer })?;
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

/// One online peer, and what to ask it.
struct Question {
    peer: Peer,
    manner: Manner,
    targets: Vec<Target>,
}

impl Asking {
    fn new(round: &Round) -> Result<Self> {
        let request = &round.request;
        let namespace = request.canary.as_ref().map(Namespace::open).transpose()?;
        let pinger = match &namespace {
            Some(namespace) => Pinger::open_in(namespace)?,
            None => Pinger::open()?,
        };
        let online = request.peers.iter().filter(|peer| peer.online);
        let mut questions: Vec<_> = online.map(|peer| Question::new(peer, round)).collect();
        if let Some(key) = &request.key
            && request.between == Between::Pods
        {
            let targets = || questions.iter().flat_map(|question| &question.targets);
            let pairs: Vec<_> = targets().map(|target| (target.source, target.canary)).collect();
            let lines = Line::open_all(namespace.as_ref(), key, &pairs)?;
            let targets = questions.iter_mut().flat_map(|question| &mut question.targets);
            for (target, line) in targets.zip(lines) {
                target.line = line.inspect_err(|error| tracing::debug!(%error)).ok();
            }
        }
        Ok(Asking { pinger, mtu: request.mtu, questions })
    }

    async fn evidence(&self, request: &Request) -> Result<Evidence> {
        let offline = request.peers.iter().filter(|peer| !peer.online);
        Ok(Evidence {
            here: surroundings::look(request).await?,
            peers: Vec::new(),
            offline: offline.map(|peer| peer.name.clone()).collect(),
            unasked: Vec::new(),
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
        let Question { peer, manner, targets } = question;
        let asked = targets.iter().map(async |target| {
            let mut canary = target.ask(&self.pinger, *manner, self.mtu).await;
            canary.source_kept = source_kept(&canary, peer);
            canary
        });
        let canaries = join_all(asked).await;
        PeerEvidence { id: peer.id.clone(), name: peer.name.clone(), canaries }
    }
}

impl Question {
    fn new(peer: &Peer, round: &Round) -> Self {
        let request = &round.request;
        let targets = match request.between {
            Between::Pods => canaries(peer, request),
            Between::Nodes => peer.addresses.clone(),
        };
        let target = |canary: IpAddr| {
            Some(Target { source: source(request, canary.into())?, canary, line: None })
        };
        let targets = targets.into_iter().filter_map(target).collect();
        let counted = round.counted.contains(&peer.id);
        let manner = if counted { Manner::COUNTING } else { Manner::USUAL };
        Question { peer: peer.clone(), manner, targets }
    }
}

/// The addresses of the canaries that a peer should have.
pub(super) fn canaries(peer: &Peer, request: &Request) -> Vec<IpAddr> {
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
