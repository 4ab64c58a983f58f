//! Watches over the peers, a few at a time. Pure: whoever runs it probes, and tells the time.
//!
//! ```text
//!   follow(who is there) ─▶ due ─▶ Round ─▶ probe ─▶ Evidence ─▶ took_in ─▶ verdict
//! ```

mod history;
mod told;
mod turn;
mod watched;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use provider_api::NodeId;

use super::evidence::{Evidence, Here};
use super::{Heard, Request, Round, Verdict, judge};
use turn::Turn;
use watched::Watched;

/// How much is asked, and from where on a way is called bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long everybody has to wait for a turn, in a small cluster.
    pub interval: Duration,
    /// So many peers are asked in an interval.
    pub at_once: usize,
    /// The round trip that is too long, as a median.
    pub round_trip: Duration,
    /// The share of packets that is too much to lose, in percent.
    pub loss: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            interval: Duration::from_secs(10),
            at_once: 8,
            round_trip: Duration::from_millis(300),
            loss: 5,
        }
    }
}

/// Whose turn it is to be asked, and what all answers came to.
#[derive(Debug)]
pub struct Watcher {
    limits: Limits,
    scene: Request,
    here: Here,
    heard: Heard,
    peers: BTreeMap<NodeId, Watched>,
    turn: Turn,
    under_way: bool,
}

impl Watcher {
    /// A watcher over the peers of this request, and what the own responder hears of them.
    pub fn new(limits: Limits, request: Request, heard: Heard) -> Self {
        let here = Here::unseen(&request);
        let scene = Request { peers: Vec::new(), ..request.clone() };
        let (peers, turn) = (BTreeMap::new(), Turn::new(limits.interval, limits.at_once));
        let mut watcher = Watcher { limits, scene, here, heard, peers, turn, under_way: false };
        watcher.follow(request);
        watcher
    }

    /// Takes note of who is there: who came or changed is asked soon, who is gone is forgotten.
    /// Where this node itself is another than before, all is forgotten.
    pub fn follow(&mut self, request: Request) {
        let peers = request.peers.clone();
        let scene = Request { peers: Vec::new(), ..request };
        if !is_same_node(&scene, &self.scene) {
            self.here = Here::unseen(&scene);
            self.peers.clear();
        }
        self.scene = scene;
        let mut known = std::mem::take(&mut self.peers);
        for peer in peers {
            let watched = match known.remove(&peer.id) {
                Some(watched) => watched.renewed(peer),
                None => Watched::new(peer),
            };
            self.peers.insert(watched.peer.id.clone(), watched);
        }
    }

    /// Whether this peer answered once.
    pub fn has_answered(&self, peer: &NodeId) -> bool {
        self.peers.get(peer).is_some_and(Watched::has_answered)
    }

    /// Asks everybody anew, and looks closely at who is silent: something was mended, or broke.
    pub fn hurry(&mut self) {
        self.peers.values_mut().for_each(Watched::hurry);
    }

    /// When [`Watcher::due`] has somebody to ask; none while a round is under way, and where
    /// nobody is there.
    pub fn next(&self, now: Instant) -> Option<Instant> {
        if self.under_way { None } else { self.turn.next(self.peers.values(), now) }
    }

    /// Whether a round is under way.
    pub fn is_asking(&self) -> bool {
        self.under_way
    }

    /// Whom to ask now. Until the answer is taken in, or the round failed, nobody else is.
    pub fn due(&mut self, now: Instant) -> Option<Round> {
        if self.under_way {
            return None;
        }
        let chosen = self.turn.choose(&self.peers, now);
        let (counted, closer) = (BTreeSet::new(), BTreeSet::new());
        let mut round = Round { request: self.scene.clone(), counted, closer };
        for id in chosen {
            let Some(watched) = self.peers.get_mut(&id) else { continue };
            if watched.asked_at(now) {
                round.closer.insert(id.clone());
            }
            if watched.has_lost(now) {
                round.counted.insert(id);
            }
            round.request.peers.push(watched.peer.clone());
        }
        self.under_way = !round.request.peers.is_empty();
        self.under_way.then_some(round)
    }

    /// Takes in what a round came to.
    pub fn took_in(&mut self, evidence: Evidence, now: Instant) {
        self.under_way = false;
        // What drops packets is looked at only where somebody is silent.
        let policies = evidence.here.drop_policies.clone().or(self.here.drop_policies.take());
        self.here = Here { drop_policies: policies, ..evidence.here };
        for peer in evidence.peers {
            if let Some(watched) = self.peers.get_mut(&peer.id) {
                watched.take_in(peer, now, &self.limits);
                watched.listen(&self.heard);
            }
        }
    }

    /// Takes note of a round that this machine did not allow: nothing is known any more.
    pub fn failed(&mut self) {
        self.under_way = false;
        self.peers.values_mut().for_each(Watched::forget_answers);
    }

    /// What all answers came to: of each peer, the last one.
    pub fn verdict(&self, now: Instant) -> Verdict {
        let (online, offline): (Vec<_>, Vec<_>) =
            self.peers.values().partition(|watched| watched.peer.online);
        let name = |watched: &&Watched| watched.peer.name.clone();
        let unasked = online.iter().copied().filter(|watched| watched.evidence().is_none());
        let mut verdict = judge(&Evidence {
            here: self.here.clone(),
            peers: online.iter().filter_map(|watched| watched.evidence().cloned()).collect(),
            offline: offline.iter().map(name).collect(),
            unasked: unasked.map(|watched| watched.peer.name.clone()).collect(),
        });
        for peer in &mut verdict.peers {
            if let Some(watched) = self.peers.get(&peer.id) {
                watched.complete(peer, now);
            }
        }
        let findings =
            self.peers.values().flat_map(|watched| told::findings(watched, &self.limits));
        verdict.findings.extend(findings);
        verdict
    }
}

/// Whether answers to the one speak for the other.
fn is_same_node(one: &Request, other: &Request) -> bool {
    let relevant =
        |request: &Request| Request { unserved: Vec::new(), peers: Vec::new(), ..request.clone() };
    relevant(one) == relevant(other)
}

#[cfg(test)]
mod tests;
