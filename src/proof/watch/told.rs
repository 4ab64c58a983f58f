//! What only time tells of a peer, as findings.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use provider_api::{Finding, Path, Peer, Severity};

use super::Limits;
use super::history::History;
use super::watched::Watched;
use crate::proof::Quality;

/// The worst of each kind is told of its first canary: the other family takes the same way.
pub(super) fn findings(watched: &Watched, limits: &Limits, now: Instant) -> Vec<Finding> {
    let peer = &watched.peer;
    if watched.is_down() {
        return vec![down(peer)];
    }
    let found = |is_bad: fn(&History) -> bool| {
        let mut bad = watched.histories().filter(|(_, history)| is_bad(history));
        bad.find_map(|(canary, history)| Some((*canary, history.quality(now)?)))
    };
    let slow = found(History::is_slow).map(|found| slow(peer, &found, limits));
    let lossy = found(History::is_lossy).map(|found| lossy(peer, &found, limits));
    slow.into_iter().chain(lossy).collect()
}

fn down(peer: &Peer) -> Finding {
    let name = &peer.name;
    let fix = match &peer.removal {
        Some(removal) => format!("start {name}; where it is gone for good: {removal}"),
        None => format!("start {name}, or delete it where it is gone for good"),
    };
    let what = format!("{name} is down: it answered before, and is offline now");
    Finding::new(Severity::Warning, "peer-down", what, "nobody reaches its pods").fix(fix)
}

fn slow(peer: &Peer, (canary, quality): &(IpAddr, Quality), limits: &Limits) -> Finding {
    let Quality { median, asked, lost, .. } = quality;
    let what = format!(
        "packets take {} there and back between here and {} ({canary}, the median of {}), more \
         than {}",
        told(*median),
        peer.name,
        asked - lost,
        told(limits.round_trip)
    );
    let why = "the k3s guide warns of it: traffic is slow, and a cluster with its servers on such \
               a way is unhealthy";
    Finding::new(Severity::Warning, "latency-high", what, why).fix(shorter(peer, *canary))
}

fn lossy(peer: &Peer, (canary, quality): &(IpAddr, Quality), limits: &Limits) -> Finding {
    let Quality { asked, lost, .. } = quality;
    let what = format!(
        "{lost} of {asked} packets between here and {} ({canary}) were lost, more than {} %",
        peer.name, limits.loss
    );
    let why = "connections crawl and time out";
    Finding::new(Severity::Warning, "loss-high", what, why).fix(shorter(peer, *canary))
}

fn shorter(peer: &Peer, canary: IpAddr) -> String {
    match &peer.path {
        Path::Relayed(relay) => format!(
            "let UDP through between here and {}: packets take the way by the relay {relay}",
            peer.name
        ),
        Path::Direct(endpoint) => {
            format!("mtr -u {}   # finds where on the way it happens", endpoint.ip())
        }
        Path::Idle => format!("mtr {canary}   # finds where on the way it happens"),
    }
}

fn told(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}
