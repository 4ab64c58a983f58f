//! What stands on the page: a pure function of a snapshot.
//!
//! How many series there are has a bound: a network may have thousands of peers, and their names
//! come from elsewhere.

use std::collections::BTreeMap;

use jiff::Timestamp;
use provider_api::{Path, RouteStage, Severity};

use super::page::{Kind, MOST, Page};
use crate::host::{Kinship, PeerReport, Proof, Snapshot, Stage, StatusReport};
use crate::proof::{Crossing, PeerVerdict};

/// The page of metrics.
pub fn text(snapshot: &Snapshot) -> String {
    let mut page = Page::default();
    service(&mut page, snapshot);
    repairs(&mut page, snapshot);
    stage(&mut page, snapshot.status.as_ref());
    findings(&mut page, snapshot);
    if let Some(status) = &snapshot.status {
        routes(&mut page, status);
        peers(&mut page, status);
        expiry(&mut page, status);
        if let Some(proof) = &status.proof {
            probes(&mut page, proof);
        }
    }
    page.text()
}

fn service(page: &mut Page, snapshot: &Snapshot) {
    let service = &snapshot.service;
    let help = "The version of the service, as a label.";
    page.metric("moorline_build_info", Kind::Gauge, help)
        .sample(&[("version", &service.version)], 1.0);
    page.metric("moorline_start_time_seconds", Kind::Gauge, "When the service started.")
        .sample(&[], time(service.started));
    let help = "When everything was looked at last.";
    page.metric("moorline_last_reconcile_timestamp_seconds", Kind::Gauge, help)
        .sample(&[], time(snapshot.at));
    let help = "How long it takes to look at everything, and to mend what is off.";
    page.metric("moorline_reconcile_duration_seconds", Kind::Summary, help)
        .part("_sum", service.all_passes.as_secs_f64())
        .part("_count", count(service.passes));
    let help = "How many of the things that were tried failed.";
    page.metric("moorline_reconcile_errors_total", Kind::Counter, help)
        .sample(&[], count(service.errors));
}

fn repairs(page: &mut Page, snapshot: &Snapshot) {
    let mended = snapshot.service.repairs.iter();
    let rows = mended.map(|(subject, times)| ([subject.clone()], count(*times)));
    let help = "How often something was mended, by what was off.";
    page.metric("moorline_repairs_total", Kind::Counter, help).bounded(["subject"], rows);
}

fn stage(page: &mut Page, status: Option<&StatusReport>) {
    let now = status.map_or(Stage::Apart, |status| status.stage);
    let help = "1 for the stage that the node is in.";
    let mut metric = page.metric("moorline_stage", Kind::Gauge, help);
    for stage in Stage::ALL {
        metric.sample(&[("stage", stage.word())], flag(stage == now));
    }
}

fn findings(page: &mut Page, snapshot: &Snapshot) {
    let mut counts = BTreeMap::<[String; 2], u64>::new();
    for finding in snapshot.all_findings() {
        let labels = [finding.code.clone(), severity(finding.severity).to_owned()];
        *counts.entry(labels).or_default() += 1;
    }
    let rows = counts.into_iter().map(|(labels, times)| (labels, count(times)));
    let help = "What is wrong now, by the code of the finding.";
    page.metric("moorline_findings", Kind::Gauge, help).bounded(["code", "severity"], rows);
}

fn routes(page: &mut Page, status: &StatusReport) {
    let help = "This node's own routes, by how far they have come.";
    let mut metric = page.metric("moorline_routes", Kind::Gauge, help);
    for (stage, word) in ROUTE_STAGES {
        let has = status.routes.iter().filter(|route| route.stage == stage).count();
        metric.sample(&[("stage", word)], size(has));
    }
}

fn peers(page: &mut Page, status: &StatusReport) {
    let help = "Who else is in the network, by their cluster and by how packets reach them.";
    let mut metric = page.metric("moorline_peers", Kind::Gauge, help);
    for (kinship, cluster) in CLUSTERS {
        let kin: Vec<_> = status.peers.iter().filter(|peer| peer.kinship == kinship).collect();
        for path in PATHS {
            let has = kin.iter().filter(|peer| path_to(peer) == path).count();
            metric.sample(&[("cluster", cluster), ("path", path)], size(has));
        }
    }
}

fn expiry(page: &mut Page, status: &StatusReport) {
    let expires = status.membership.as_ref().and_then(|member| member.expires);
    if let Some(expires) = expires {
        let help = "When this node's key expires: (x - time()) / 86400 are the days until then.";
        page.metric("moorline_key_expiry_timestamp_seconds", Kind::Gauge, help)
            .sample(&[], time(expires));
    }
}

/// What the last probes saw, for as many peers as there is room: two families each.
fn probes(page: &mut Page, proof: &Proof) {
    let peers = &proof.verdict.peers;
    let help = "When the other nodes were asked last.";
    page.metric("moorline_probe_timestamp_seconds", Kind::Gauge, help).sample(&[], time(proof.at));
    let (shown, others) = peers.split_at(peers.len().min(MOST / 2));
    let help = "Peers that were asked and have no series here: there are too many.";
    page.metric("moorline_peers_without_series", Kind::Gauge, help).sample(&[], size(others.len()));
    let help = "1 where small and full-size packets cross, both ways.";
    each(page, "moorline_peer_reachable", help, shown, |one| Some(flag(one.crossed)));
    let help = "The round trip to a peer's pods: the median of the last probes.";
    each(page, "moorline_peer_round_trip_seconds", help, shown, round_trip);
    let help = "The share of packets to a peer's pods that were lost lately.";
    each(page, "moorline_peer_loss_ratio", help, shown, loss);
}

fn each(
    page: &mut Page,
    name: &'static str,
    help: &'static str,
    peers: &[PeerVerdict],
    value: impl Fn(&Crossing) -> Option<f64>,
) {
    let mut metric = page.metric(name, Kind::Gauge, help);
    for peer in peers {
        for (family, crossing) in families(peer) {
            let labels =
                [("peer", peer.name.as_str()), ("id", peer.id.as_str()), ("family", family)];
            if let Some(value) = value(crossing) {
                metric.sample(&labels, value);
            }
        }
    }
}

/// One crossing a family: a peer's second pod CIDR of a family is reached the same way.
fn families(peer: &PeerVerdict) -> impl Iterator<Item = (&'static str, &Crossing)> {
    let first = |v4| peer.crossings.iter().find(move |one| one.canary.is_ipv4() == v4);
    let both = [("ipv4", first(true)), ("ipv6", first(false))];
    both.into_iter().filter_map(|(family, one)| one.map(|one| (family, one)))
}

fn round_trip(crossing: &Crossing) -> Option<f64> {
    let median = crossing.quality.as_ref().map(|quality| quality.median);
    median.or(crossing.round_trip).map(|trip| trip.as_secs_f64())
}

fn loss(crossing: &Crossing) -> Option<f64> {
    let quality = crossing.quality.as_ref().filter(|quality| quality.asked > 0)?;
    Some(size(quality.lost) / size(quality.asked))
}

const ROUTE_STAGES: [(RouteStage, &str); 6] = [
    (RouteStage::Advertised, "advertised"),
    (RouteStage::Unapproved, "unapproved"),
    (RouteStage::Withheld, "withheld"),
    (RouteStage::Hidden, "hidden"),
    (RouteStage::Standby, "standby"),
    (RouteStage::Served, "served"),
];

const CLUSTERS: [(Kinship, &str); 4] = [
    (Kinship::Node, "this"),
    (Kinship::Unknown, "unknown"),
    (Kinship::Foreign, "another"),
    (Kinship::Bystander, "none"),
];

const PATHS: [&str; 4] = ["direct", "relayed", "idle", "offline"];

fn path_to(peer: &PeerReport) -> &'static str {
    match &peer.peer.path {
        _ if !peer.peer.online => "offline",
        Path::Direct(_) => "direct",
        Path::Relayed(_) => "relayed",
        Path::Idle => "idle",
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

fn time(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// Exact up to 2^53, as all numbers of Prometheus are.
fn count(times: u64) -> f64 {
    times as f64
}

fn size(size: usize) -> f64 {
    size as f64
}

#[cfg(test)]
mod tests;
