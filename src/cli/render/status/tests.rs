use anstream::adapter::strip_str;
use jiff::SignedDuration;

use super::*;
use crate::example;
use crate::host::Stage;

fn page(report: &StatusReport) -> String {
    let now = example::proof_time() + SignedDuration::from_secs(4);
    strip_str(&text(report, None, now)).to_string()
}

#[test]
fn a_node_with_peers() {
    assert_eq!(
        page(&example::report()),
        "\
cluster  default (10.42.0.0/16, 2001:cafe:42::/56)
node     node-1, 100.64.0.1 on tailscale0 (MTU 1280)
network  tailscale 1.102.3, https://hs.example.com
stage    proven
proof    packets cross, 4 s ago

ROUTE           STAGE                              OWNER
10.42.1.0/24    served                             moorline
192.168.7.0/24  not approved, or hidden by policy  administrator

PEER    CLUSTER  ADDRESS     POD CIDRS     PATH                      PROOF
node-2  this     100.64.0.2  10.42.2.0/24  direct 203.0.113.7:41641  crossed in 12 ms, 4 s ago
node-3  unknown  100.64.0.3  10.42.3.0/24  relayed fra               IPv4 only up to 1228 bytes, IPv6 no answer, 4 s ago
node-4  another  100.64.0.4  10.42.4.0/24  idle                      -
1 more in the network serves no pods of this cluster

warning[auto-update]: tailscaled updates itself
  why: it restarts
  fix: tailscale set --auto-update=false
"
    );
}

#[test]
fn a_node_that_nobody_asked_is_told_from_one_that_nobody_asks() {
    let mut report = example::report();
    report.proof.as_mut().expect("a proof").verdict.peers.clear();
    report.peers[1].peer.online = false;
    let page = page(&report);
    let proofs = page.lines().filter(|line| line.starts_with("node-"));
    let proofs: Vec<_> = proofs.map(|line| line.rsplit("  ").next().unwrap_or_default()).collect();
    assert_eq!(proofs, ["not asked", "-", "-"]);
}

#[test]
fn a_node_that_is_no_member() {
    let report = StatusReport {
        membership: None,
        stage: Stage::Apart,
        routes: Vec::new(),
        proof: None,
        findings: Vec::new(),
        ..example::report()
    };
    assert_eq!(
        page(&report),
        "\
cluster  default (10.42.0.0/16, 2001:cafe:42::/56)
node     no member
network  tailscale
stage    apart
proof    none yet
"
    );
}

#[test]
fn names_from_elsewhere_do_not_reach_the_terminal_as_they_are() {
    let mut report = example::report();
    report.peers[0].peer.name = "\x1b]0;owned\x07".into();
    assert!(!text(&report, None, example::proof_time()).contains("\x1b]0"));
}

#[test]
fn what_the_service_saw_has_its_age() {
    let seen = example::snapshot(Some(example::report()));
    let now = seen.at + SignedDuration::from_secs(4);
    let text = text(seen.status.as_ref().expect("a status"), Some(&seen), now);
    let line = "seen     4 s ago by the service, which has mended 3 since 1970-01-01T00:00:00Z\n";
    assert!(strip_str(&text).to_string().contains(line), "{text}");
}
