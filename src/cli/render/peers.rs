//! The other nodes: how packets reach them, and what the last proof saw.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use provider_api::{Path, Peer};

use super::{table, time};
use crate::cidr::is_share;
use crate::host::{Kinship, PeerReport, StatusReport};
use crate::proof::{Crossing, Quality};

const HEAD: [&str; 6] = ["PEER", "CLUSTER", "ADDRESS", "POD CIDRS", "PATH", "PROOF"];

/// The nodes of this cluster and the foreign ones; the others only in number. Nothing where this
/// node is no member: what its daemon still lists is of another time.
pub(super) fn text(report: &StatusReport, now: Timestamp) -> String {
    if report.membership.is_none() {
        return String::new();
    }
    let shown = report.peers.iter().filter(|peer| peer.kinship != Kinship::Bystander);
    let rows: Vec<_> = shown.map(|peer| row(report, peer, now)).collect();
    let others = report.peers.len() - rows.len();
    format!("{}{}", table::text(HEAD, rows), bystanders(others))
}

fn row(report: &StatusReport, peer: &PeerReport, now: Timestamp) -> [String; 6] {
    let proof = proof(report, peer, now);
    let PeerReport { peer, kinship } = peer;
    let cluster = cluster(*kinship).to_owned();
    [peer.name.clone(), cluster, address(peer), routes(report, peer), path(peer), proof]
}

fn cluster(kinship: Kinship) -> &'static str {
    match kinship {
        Kinship::Node => "this",
        Kinship::Unknown => "unknown",
        Kinship::Foreign => "another",
        Kinship::Bystander => "none",
    }
}

fn address(peer: &Peer) -> String {
    peer.addresses.first().map_or_else(|| "-".to_owned(), IpAddr::to_string)
}

/// Only what lies in this cluster: an admin's other routes say nothing about pods.
fn routes(report: &StatusReport, peer: &Peer) -> String {
    let shares = peer.routes.iter().filter(|route| is_share(route, &report.cluster_cidrs));
    let routes: Vec<_> = shares.map(ToString::to_string).collect();
    routes.join(" ")
}

fn path(peer: &Peer) -> String {
    if !peer.online {
        return "offline".to_owned();
    }
    match &peer.path {
        Path::Direct(endpoint) => format!("direct {endpoint}"),
        Path::Relayed(relay) => format!("relayed {relay}"),
        Path::Idle => "idle".to_owned(),
    }
}

/// What the last proof saw of a peer. One that is enough may have left others out.
fn proof(report: &StatusReport, peer: &PeerReport, now: Timestamp) -> String {
    let PeerReport { peer, kinship } = peer;
    let Some(proof) = &report.proof else { return "-".to_owned() };
    let is_to_ask = peer.online && matches!(kinship, Kinship::Node | Kinship::Unknown);
    match proof.verdict.peers.iter().find(|verdict| verdict.id == peer.id) {
        // A stranger's pods are nothing to us.
        Some(_) if *kinship == Kinship::Foreign => "-".to_owned(),
        Some(verdict) if !verdict.crossings.is_empty() => {
            format!("{}, {}", crossed(&verdict.crossings), time::age(proof.at, now))
        }
        None if is_to_ask => "not asked".to_owned(),
        Some(_) | None => "-".to_owned(),
    }
}
/// One answer where all families came to the same, else one for each.
fn crossed(crossings: &[Crossing]) -> String {
    let word = |crossing: &Crossing| match (crossing.crossed, crossing.round_trip) {
        (true, _) => "crossed".to_owned(),
        (false, Some(_)) => match crossing.largest {
            Some(largest) => format!("only up to {largest} bytes"),
            None => "not at full size".to_owned(),
        },
        (false, None) => "no answer".to_owned(),
    };
    let words: Vec<String> = crossings.iter().map(word).collect();
    if words.iter().all(|word| *word == words[0]) {
        let slowest = crossings.iter().filter_map(round_trip).max();
        let slowest = slowest.map(|trip| format!(" in {}", time::span(trip))).unwrap_or_default();
        return format!("{}{slowest}{}", words[0], lost(crossings));
    }
    let family = |crossing: &Crossing| if crossing.canary.is_ipv4() { "IPv4" } else { "IPv6" };
    let each = crossings.iter().zip(words);
    each.map(|(crossing, word)| format!("{} {word}", family(crossing)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// As it usually is, where more than one was seen; none where nothing comes back now.
fn round_trip(crossing: &Crossing) -> Option<Duration> {
    let latest = crossing.round_trip?;
    Some(crossing.quality.as_ref().map_or(latest, |quality| quality.median))
}

/// The largest share of packets that were lost lately, where any were.
fn lost(crossings: &[Crossing]) -> String {
    let qualities = crossings.iter().filter_map(|crossing| crossing.quality.as_ref());
    let percent = |quality: &Quality| (quality.lost * 100).div_ceil(quality.asked.max(1));
    match qualities.map(percent).max() {
        Some(percent @ 1..) => format!(" ({percent} % lost)"),
        Some(0) | None => String::new(),
    }
}

fn bystanders(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "1 more in the network serves no pods of this cluster\n".to_owned(),
        _ => format!("{count} more in the network serve no pods of this cluster\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_round_trip_and_the_loss_are_told() {
        let millis = Duration::from_millis;
        let quality = |lost| Quality { shortest: millis(8), median: millis(40), asked: 40, lost };
        let told = |round_trip: Option<Duration>, quality| {
            crossed(&[Crossing {
                source: "10.42.1.2".parse().unwrap(),
                source_kept: None,
                canary: "10.42.2.2".parse().unwrap(),
                round_trip,
                largest: round_trip.map(|_| 1280),
                crossed: round_trip.is_some(),
                quality,
            }])
        };
        let now = Some(millis(8));
        assert_eq!(told(now, None), "crossed in 8 ms");
        assert_eq!(told(now, Some(quality(0))), "crossed in 40 ms");
        assert_eq!(told(now, Some(quality(3))), "crossed in 40 ms (8 % lost)");
        assert_eq!(told(None, Some(quality(3))), "no answer (8 % lost)");
    }
}
