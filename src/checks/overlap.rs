//! Whether the cluster's CIDRs collide with something that is there already.

use ipnet::IpNet;
use provider_api::{Desired, Finding, RouteMode, Severity};

use super::Scene;
use crate::cidr::{holds, is_share, overlap};
use crate::host::LinkFact;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let pods = scene.desired.pod_cidrs.iter().map(|cidr| ("pod CIDR", cidr));
    let cluster = scene.desired.cluster_cidrs.iter().map(|cidr| ("cluster CIDR", cidr));
    let said = pods.chain(cluster).flat_map(|(kind, cidr)| collisions(scene, kind, cidr));
    said.chain(with_services(scene)).collect()
}

/// A service CIDR that nobody gave is a guess, and forbids nothing.
fn with_services(scene: &Scene<'_>) -> Vec<Finding> {
    let services = scene.service_cidrs.iter();
    let found = services.flat_map(|cidr| collisions(scene, "service CIDR", cidr));
    if !scene.guessed_services {
        return found.collect();
    }
    let warn = |finding: Finding| Finding {
        severity: finding.severity.min(Severity::Warning),
        fix: Some("give --service-cidr as the cluster has it".to_owned()),
        ..finding
    };
    found.map(warn).collect()
}

fn collisions(scene: &Scene<'_>, kind: &'static str, cidr: &IpNet) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (network, link) in scene.facts.local_networks().filter(|(local, _)| overlap(cidr, local)) {
        findings.extend(match place(scene, &network, link) {
            Place::Pods => None,
            Place::OtherPods => Some(other_pods(kind, cidr, &network, &link.name)),
            Place::Elsewhere => Some(local(kind, cidr, &network, &link.name)),
        });
    }
    for range in scene.capabilities.ranges.iter().filter(|range| overlap(cidr, range)) {
        findings.push(vpn_range(kind, cidr, range));
    }
    for (route, peer) in scene.peer_routes().filter(|(route, _)| swallows(route, cidr)) {
        findings.push(swallowed(kind, cidr, route, peer));
    }
    findings
}

/// What a local network is to the cluster.
enum Place {
    /// Pods of this node hang on it, ours or those of a CNI that was here first.
    Pods,
    /// Pods of this cluster, but not those that this node is to have.
    OtherPods,
    /// Nothing: its addresses are in the way.
    Elsewhere,
}

/// A bridge whose network lies inside the cluster has its pods: expected where they are none of
/// our business, and a leftover where this node has a pod CIDR of its own.
fn place(scene: &Scene<'_>, network: &IpNet, link: &LinkFact) -> Place {
    let Desired { mode, pod_cidrs, cluster_cidrs } = scene.desired;
    let is_ours = scene.is_own(&link.name) || pod_cidrs.contains(network);
    let has_pods = link.bridge && is_share(network, cluster_cidrs);
    let anybodys = *mode == RouteMode::Underlay || pod_cidrs.is_empty();
    match (is_ours, has_pods) {
        (true, _) => Place::Pods,
        (false, true) if anybodys => Place::Pods,
        (false, true) => Place::OtherPods,
        (false, false) => Place::Elsewhere,
    }
}

/// Whether a route takes all of a CIDR, and more. A default route is meant to.
fn swallows(route: &IpNet, cidr: &IpNet) -> bool {
    holds(route, cidr) && route.prefix_len() > 0
}

fn local(kind: &str, cidr: &IpNet, network: &IpNet, interface: &str) -> Finding {
    Finding::new(
        Severity::Error,
        "cidr-overlaps-local-network",
        format!("the {kind} {cidr} overlaps the local network {network} on {interface}"),
        "addresses in both can be reached in only one of them",
    )
    .fix(format!("choose a {kind} outside {network}; for a cluster CIDR that means a new cluster"))
}

fn other_pods(kind: &str, cidr: &IpNet, network: &IpNet, bridge: &str) -> Finding {
    Finding::new(
        Severity::Warning,
        "bridge-with-other-pods",
        format!("the bridge {bridge} has {network}, inside the {kind} {cidr}"),
        "pods that are left there hide the node that has this network now",
    )
    .fix(format!("once no pod hangs on it any more: ip link delete {bridge}"))
}

fn vpn_range(kind: &str, cidr: &IpNet, range: &IpNet) -> Finding {
    Finding::new(
        Severity::Error,
        "cidr-overlaps-vpn-range",
        format!("the {kind} {cidr} overlaps the VPN's own addresses {range}"),
        "the VPN drops packets with such addresses from any other interface",
    )
    .fix(format!("choose a {kind} outside {range}"))
}

fn swallowed(kind: &str, cidr: &IpNet, route: &IpNet, peer: &str) -> Finding {
    Finding::new(
        Severity::Warning,
        "cidr-inside-foreign-route",
        format!("the {kind} {cidr} lies inside the route {route}, which {peer} serves"),
        "nodes send what no closer route takes to that peer",
    )
    .fix(format!("on {peer}, advertise a route that does not cover {cidr}"))
}

#[cfg(test)]
mod tests {
    use provider_api::Severity;

    use super::super::scenes::{Machine, peer};
    use super::check;

    fn codes(machine: &Machine) -> Vec<String> {
        check(&machine.scene()).into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_quiet_machine_has_nothing_to_say() {
        assert!(codes(&Machine::quiet()).is_empty());
    }

    #[test]
    fn a_lan_inside_the_cluster_cidr_is_named() {
        let machine = Machine::quiet().link("eth0", 1500, &["10.42.9.7/24"]);
        assert_eq!(codes(&machine), ["cidr-overlaps-local-network"]);
    }

    #[test]
    fn the_pod_bridge_and_an_older_bridge_with_our_pods_are_expected() {
        let machine = Machine::quiet().link("cni0", 1280, &["10.42.3.1/24"]);
        assert!(codes(&machine).is_empty());
    }

    #[test]
    fn the_vpns_own_range_is_taken() {
        let machine = Machine::quiet().cluster(&["100.64.0.0/16"]);
        assert_eq!(codes(&machine), ["cidr-overlaps-vpn-range"]);
    }

    #[test]
    fn a_supernet_at_a_peer_is_a_warning_and_a_default_route_is_not() {
        let machine = Machine::quiet().peer(peer("exit", &["10.0.0.0/8", "0.0.0.0/0"], true));
        assert!(codes(&machine).iter().all(|code| code == "cidr-inside-foreign-route"));
        assert_eq!(codes(&machine).len(), 3);
    }

    #[test]
    fn the_bridge_of_a_cni_is_expected_where_the_pods_are_its_own() {
        let cni = || Machine::quiet().bridge("cni0", &["10.42.9.1/24"]);
        assert!(codes(&cni().underlay()).is_empty());
        assert!(codes(&cni().cluster(&["10.42.0.0/16"])).is_empty(), "a member without pods");
        assert_eq!(codes(&cni()), ["bridge-with-other-pods"]);
        let findings = check(&cni().scene());
        assert!(findings[0].severity < Severity::Error && findings[0].what.contains("cni0"));
    }

    #[test]
    fn a_bridge_wider_than_the_cluster_is_a_local_network() {
        let machine = Machine::quiet().bridge("br0", &["10.0.0.1/8"]).underlay();
        assert!(codes(&machine).iter().all(|code| code == "cidr-overlaps-local-network"));
        assert!(!codes(&machine).is_empty());
    }

    #[test]
    fn a_service_cidr_that_was_given_forbids_and_a_guess_warns() {
        let severities = |machine: Machine| -> Vec<Severity> {
            check(&machine.scene()).into_iter().map(|finding| finding.severity).collect()
        };
        let lan = || Machine::quiet().link("eth0", 1500, &["10.43.7.7/24"]);
        assert_eq!(severities(lan()), [Severity::Error]);
        assert_eq!(severities(lan().guessed_services()), [Severity::Warning]);
    }
}
