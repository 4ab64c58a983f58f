//! A closer look where a canary did not answer, or not at full size.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use linux::icmp::{Echo, Pinger, SMALL};
use linux::nftables::{Dropped, Tracer};
use linux::{Family, Netlink, Result, icmp};
use provider_api::Peer;

use super::counters::{self, Pair};
use super::echoes::{BRISK, Patience, insist, largest};
use super::evidence::{Between, CanaryEvidence, Counted, Evidence, Here, Trouble};
use super::line::Word;
use super::prober::{Round, canaries};
use super::target::{self, packet_size};
use super::verdict::is_foreign;
use super::{Request, surroundings};

/// So many canaries are looked at closely; the others have the same trouble, most likely.
const MOST_CANARIES: usize = 8;
/// A router takes three seconds to find that nobody has an address on its link (three
/// tries of a second, `arp(7)`).
const PATIENT: Patience =
    Patience { every: Duration::from_millis(700), deadline: Duration::from_secs(4) };

/// Looks closer at the canaries that did not answer, but not at those of strangers.
pub(super) async fn look_closer(
    pinger: &Pinger,
    round: &Round,
    evidence: &mut Evidence,
) -> Result<()> {
    let mtu = packet_size(evidence.here.mtu);
    let peers = evidence.peers.iter_mut().filter(|peer| round.closer.contains(&peer.id));
    let canaries = peers.filter(|peer| !is_foreign(peer)).flat_map(|peer| &mut peer.canaries);
    let mut canaries: Vec<_> = canaries.collect();
    let narrow = canaries.iter_mut().filter(|canary| is_narrow(canary)).take(MOST_CANARIES);
    join_all(narrow.map(|canary| confirm(pinger, canary))).await;
    let (mut silent, answered): (Vec<_>, Vec<_>) =
        canaries.into_iter().partition(|canary| !canary.small.is_reply());
    let narrow = answered.into_iter().filter(|canary| is_narrow(canary)).take(MOST_CANARIES);
    join_all(narrow.map(|canary| measure(pinger, canary, mtu))).await;
    if !silent.is_empty() {
        silent.truncate(MOST_CANARIES);
        evidence.here.drop_policies = surroundings::drop_policies().await;
        let around = Around::new(pinger, &round.request)?;
        examine(&around, &evidence.here, silent).await?;
    }
    Ok(())
}

/// Whether a small echo was answered, and nothing came of a full one.
fn is_narrow(canary: &CanaryEvidence) -> bool {
    canary.small.is_reply() && canary.full == Some(icmp::Outcome::Silence)
}

/// Whoever was cut off between the two echoes has no trouble with size.
async fn confirm(pinger: &Pinger, canary: &mut CanaryEvidence) {
    if matches!(canary.word, Some(Word::Kin { .. })) {
        return;
    }
    let small = Echo::new(canary.source, canary.canary, SMALL);
    let again = insist(pinger, &small, BRISK).await;
    if !again.is_reply() {
        (canary.small, canary.full) = (again, None);
    }
}

/// Finds the largest size that crosses.
async fn measure(pinger: &Pinger, canary: &mut CanaryEvidence, mtu: u16) {
    let ends = (canary.source, canary.canary);
    // Several round trips, so that one is late only if it is lost.
    let round_trip = canary.small.round_trip().unwrap_or_default();
    let deadline = (round_trip * 4).max(Duration::from_millis(300));
    let patience = Patience { every: deadline / 3, deadline };
    canary.largest = Some(largest(pinger, ends, (SMALL, mtu), patience).await.into());
}

async fn examine(around: &Around<'_>, here: &Here, silent: Vec<&mut CanaryEvidence>) -> Result<()> {
    let pair = |canary: &&mut CanaryEvidence| Pair { own: canary.source, peer: canary.canary };
    let pairs: Vec<Pair> = silent.iter().map(pair).collect();
    let watch = Watch::start(&pairs, here).await;
    let asked = pairs.iter().map(|pair| around.ask(*pair));
    let answers = join_all(asked).await;
    let (counted, dropped) = Watch::end(watch, pairs.len()).await;
    // Only now: what this node's own addresses send would be counted too.
    let nodes = join_all(pairs.iter().map(|pair| around.ask_nodes(pair.peer))).await;
    for (number, (canary, (again, mut trouble))) in silent.into_iter().zip(answers).enumerate() {
        if again.is_reply() {
            let ends = (canary.source, canary.canary);
            let (word, tries) = (canary.word.take(), std::mem::take(&mut canary.tries));
            let answered = target::ask(around.pinger, ends, here.mtu).await;
            *canary = CanaryEvidence { word, tries, ..answered };
            continue;
        }
        canary.small = again;
        (trouble.node, trouble.from_node) = nodes[number].clone();
        trouble.counted = counted.get(number).copied().flatten();
        trouble.dropped = between(&dropped, pairs[number]);
        canary.trouble = Some(trouble);
    }
    Ok(())
}

/// Whom to ask beside a silent canary, and from where.
struct Around<'a> {
    pinger: &'a Pinger,
    /// Sends from this node's own addresses, where the canary is not this node itself.
    outside: Option<Pinger>,
    netlink: Netlink,
    /// How many hops it is to the peer's machine: from a canary, the first is this machine.
    /// None where that machine itself was asked, and nobody before it can be.
    hops: Option<u8>,
    request: &'a Request,
}

impl<'a> Around<'a> {
    fn new(pinger: &'a Pinger, request: &'a Request) -> Result<Self> {
        let hops = match (request.between, &request.canary) {
            (Between::Nodes, _) => None,
            (Between::Pods, Some(_)) => Some(2),
            (Between::Pods, None) => Some(1),
        };
        let outside = request.canary.as_ref().map(|_| Pinger::open()).transpose()?;
        Ok(Around { pinger, outside, netlink: Netlink::open()?, hops, request })
    }

    /// The peer's canary again, its gateway, and its machine; all at once.
    async fn ask(&self, Pair { own, peer }: Pair) -> (icmp::Outcome, Trouble) {
        let echo = |target| Echo::new(own, target, SMALL);
        let far = echo(peer);
        let near = self.hops.map(|_| echo(gateway_beside(peer)));
        let hop = self.hops.map(|hops| echo(peer).hop_limit(hops));
        let (again, gateway, last_hop, way_out, way_back) = tokio::join!(
            insist(self.pinger, &far, PATIENT),
            ask_if(self.pinger, near),
            ask_if(self.pinger, hop),
            surroundings::way(&self.netlink, peer),
            surroundings::way(&self.netlink, own),
        );
        let (node, from_node, heard, counted, dropped) = (None, None, false, None, Vec::new());
        let asked = Trouble {
            gateway,
            last_hop,
            node,
            from_node,
            heard,
            way_out,
            way_back,
            counted,
            dropped,
        };
        (again, asked)
    }

    /// The peer's own address, and the canary's, each from this node's own; none where that
    /// was asked already.
    async fn ask_nodes(&self, canary: IpAddr) -> (Option<icmp::Outcome>, Option<icmp::Outcome>) {
        let family = Family::from(canary);
        let of_family = |addresses: &[IpAddr]| {
            addresses.iter().copied().find(|address| Family::from(*address) == family)
        };
        let own = of_family(&self.request.node_addresses);
        let peer = self.peer(canary).and_then(|peer| of_family(&peer.addresses));
        let (Some(own), Some(_)) = (own, self.hops) else { return (None, None) };
        let pinger = self.outside.as_ref().unwrap_or(self.pinger);
        let ask = async |target: Option<IpAddr>| match target {
            Some(target) => Some(insist(pinger, &Echo::new(own, target, SMALL), BRISK).await),
            None => None,
        };
        tokio::join!(ask(peer), ask(self.outside.as_ref().map(|_| canary)))
    }

    fn peer(&self, canary: IpAddr) -> Option<&Peer> {
        let mut peers = self.request.peers.iter();
        peers.find(|peer| canaries(peer, self.request).contains(&canary))
    }
}

async fn ask_if(pinger: &Pinger, echo: Option<Echo>) -> icmp::Outcome {
    match echo {
        Some(echo) => insist(pinger, &echo, BRISK).await,
        None => icmp::Outcome::Silence,
    }
}

/// The gateway's address comes right before the canary's.
fn gateway_beside(canary: IpAddr) -> IpAddr {
    match canary {
        IpAddr::V4(canary) => IpAddr::V4((canary.to_bits() - 1).into()),
        IpAddr::V6(canary) => IpAddr::V6((canary.to_bits() - 1).into()),
    }
}

fn between(dropped: &[Dropped], pair: Pair) -> Vec<Dropped> {
    let of_pair = |drop: &&Dropped| drop.source == pair.peer || drop.destination == pair.peer;
    dropped.iter().filter(of_pair).cloned().collect()
}

/// Counters and traces, while echoes are under way.
struct Watch {
    tracer: Option<Tracer>,
}

impl Watch {
    /// None where `nft` is missing, or does not do it: then nothing is known.
    async fn start(pairs: &[Pair], here: &Here) -> Option<Self> {
        let told = |error: &linux::Error| tracing::warn!(%error, "cannot watch the firewall");
        let counts = counters::start(pairs, here).await;
        counts.then(|| Watch { tracer: Tracer::start().inspect_err(told).ok() })
    }

    async fn end(watch: Option<Self>, pairs: usize) -> (Vec<Option<Counted>>, Vec<Dropped>) {
        let Some(Watch { tracer }) = watch else { return (Vec::new(), Vec::new()) };
        let counted = counters::end(pairs).await;
        (counted, tracer.map(|tracer| tracer.dropped()).unwrap_or_default())
    }
}
