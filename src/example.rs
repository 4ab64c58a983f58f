//! What a service tells, for tests of whoever reads it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use provider_api::{
    Enrolment, Finding, Membership, NodeId, OwnRoute, Path, Peer, RouteStage, Severity,
};

use crate::host::{Kinship, PeerReport, Proof, ServiceReport, Snapshot, Stage, StatusReport};
use crate::proof::{Between, Crossing, Kin, Outcome, PeerVerdict, Verdict};

/// The time of the last proof.
pub(crate) fn proof_time() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

/// What a service tells that made two passes and mended something, one day after the epoch.
pub(crate) fn snapshot(status: Option<StatusReport>) -> Snapshot {
    let day = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24);
    let service = ServiceReport {
        version: "0.1.0".into(),
        pid: 7,
        started: Timestamp::UNIX_EPOCH,
        passes: 2,
        errors: 1,
        last_pass: Duration::from_millis(20),
        all_passes: Duration::from_millis(50),
        repairs: BTreeMap::from([("net/ipv4/ip_forward".to_owned(), 3)]),
        asking: false,
    };
    Snapshot { at: day, service, status, findings: Vec::new() }
}

/// A node with one direct peer that answers, one relayed that does not, and others.
pub(crate) fn report() -> StatusReport {
    StatusReport {
        version: 1,
        cluster: "default".parse().expect("a name"),
        cluster_cidrs: cidrs(&["10.42.0.0/16", "2001:cafe:42::/56"]),
        pod_cidrs: cidrs(&["10.42.1.0/24"]),
        network: "tailscale".parse().expect("a name"),
        provider: "tailscale".parse().expect("a name"),
        membership: Some(membership()),
        stage: Stage::Proven,
        routes: vec![
            own_route("10.42.1.0/24", true, RouteStage::Served),
            own_route("192.168.7.0/24", false, RouteStage::Withheld),
        ],
        peers: peers(),
        proof: Some(Proof { at: proof_time(), verdict: verdict() }),
        findings: vec![
            Finding::new(
                Severity::Warning,
                "auto-update",
                "tailscaled updates itself",
                "it restarts",
            )
            .fix("tailscale set --auto-update=false"),
        ],
    }
}

fn cidrs(texts: &[&str]) -> Vec<ipnet::IpNet> {
    texts.iter().map(|text| text.parse().expect("a CIDR")).collect()
}

fn membership() -> Membership {
    Membership {
        node: NodeId::new("1"),
        name: "node-1".into(),
        addresses: vec!["100.64.0.1".parse().expect("an address")],
        interface: "tailscale0".into(),
        mtu: 1280,
        enrolment: Enrolment::Ours,
        control_server: Some("https://hs.example.com".into()),
        daemon_version: Some("1.102.3".into()),
        expires: None,
    }
}

fn own_route(prefix: &str, ours: bool, stage: RouteStage) -> OwnRoute {
    OwnRoute { prefix: prefix.parse().expect("a CIDR"), ours, stage }
}

fn peers() -> Vec<PeerReport> {
    let direct = Path::Direct("203.0.113.7:41641".parse().expect("an endpoint"));
    vec![
        peer("2", Kinship::Node, &["10.42.2.0/24", "10.9.0.0/16"], direct),
        peer("3", Kinship::Unknown, &["10.42.3.0/24"], Path::Relayed("fra".into())),
        peer("4", Kinship::Foreign, &["10.42.4.0/24"], Path::Idle),
        peer("5", Kinship::Bystander, &[], Path::Idle),
    ]
}

fn peer(id: &str, kinship: Kinship, routes: &[&str], path: Path) -> PeerReport {
    let peer = Peer {
        id: NodeId::new(id),
        name: format!("node-{id}"),
        cluster: None,
        tags: Vec::new(),
        addresses: vec![format!("100.64.0.{id}").parse().expect("an address")],
        routes: cidrs(routes),
        online: true,
        path,
        last_contact: None,
        removal: None,
    };
    PeerReport { peer, kinship }
}

fn verdict() -> Verdict {
    Verdict {
        outcome: Outcome::Proven,
        between: Between::Pods,
        peers: vec![
            seen("2", vec![crossing("10.42.2.2", Some(12), true)]),
            seen(
                "3",
                vec![
                    crossing("10.42.3.2", Some(40), false),
                    crossing("2001:cafe:42:3::2", None, false),
                ],
            ),
        ],
        findings: Vec::new(),
    }
}

fn seen(id: &str, crossings: Vec<Crossing>) -> PeerVerdict {
    PeerVerdict { id: NodeId::new(id), name: format!("node-{id}"), kin: Kin::Unknown, crossings }
}

fn crossing(canary: &str, millis: Option<u64>, crossed: bool) -> Crossing {
    let canary: std::net::IpAddr = canary.parse().expect("an address");
    let source = if canary.is_ipv4() { "10.42.1.2" } else { "2001:cafe:42:1::2" };
    Crossing {
        source: source.parse().expect("an address"),
        source_kept: None,
        canary,
        round_trip: millis.map(Duration::from_millis),
        largest: millis.map(|_| if crossed { 1280 } else { 1228 }),
        crossed,
        quality: None,
    }
}
