//! What only time tells of a peer, as findings.

use std::net::IpAddr;
use std::time::Duration;

use provider_api::{Finding, Path, Peer, Severity};

use super::Limits;
use super::history::Percent;
use super::watched::Watched;

/// Of each kind, the first canary's: the other family takes the same way.
pub(super) fn findings(watched: &Watched, limits: &Limits) -> Vec<Finding> {
    let peer = &watched.peer;
    if watched.is_down() {
        return vec![down(peer)];
    }
    let slow = watched.histories().find_map(|(canary, history)| {
        history.slow().map(|median| slow(peer, *canary, median, limits))
    });
    let lossy = watched.histories().find_map(|(canary, history)| {
        history.lossy().map(|percent| lossy(peer, *canary, percent, limits))
    });
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

fn slow(peer: &Peer, canary: IpAddr, median: Duration, limits: &Limits) -> Finding {
    let what = format!(
        "packets between here and {} ({canary}) take some {} ms there and back, more than {} ms",
        peer.name,
        median.as_millis(),
        limits.round_trip.as_millis()
    );
    let why = "the k3s guide warns of it: traffic is slow, and a cluster with its servers on such \
               a way is unhealthy";
    Finding::new(Severity::Warning, "latency-high", what, why).fix(shorter(peer, canary))
}

fn lossy(peer: &Peer, canary: IpAddr, percent: Percent, limits: &Limits) -> Finding {
    let what = format!(
        "some {percent} % of the packets between here and {} ({canary}) are lost, more than {} %",
        peer.name, limits.loss
    );
    let why = "connections crawl and time out";
    Finding::new(Severity::Warning, "loss-high", what, why).fix(shorter(peer, canary))
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
