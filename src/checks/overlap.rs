//! Whether the cluster's CIDRs collide with something that is there already.

use ipnet::IpNet;
use provider_api::{Finding, Severity};

use super::Scene;
use crate::cidr::{holds, overlap};

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let pods = scene.desired.pod_cidrs.iter().map(|cidr| ("pod CIDR", cidr));
    let cluster = scene.desired.cluster_cidrs.iter().map(|cidr| ("cluster CIDR", cidr));
    let services = scene.service_cidrs.iter().map(|cidr| ("service CIDR", cidr));
    let mut findings: Vec<Finding> = pods
        .chain(cluster)
        .chain(services)
        .flat_map(|(kind, cidr)| collisions(scene, kind, cidr))
        .collect();
    findings.extend(pods_in_services(scene));
    findings
}

fn collisions(scene: &Scene<'_>, kind: &'static str, cidr: &IpNet) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (network, interface) in scene.facts.local_networks() {
        if overlap(cidr, &network) && !is_expected(scene, &network, interface) {
            findings.push(local(kind, cidr, &network, interface));
        }
    }
    for range in scene.capabilities.ranges.iter().filter(|range| overlap(cidr, range)) {
        findings.push(vpn_range(kind, cidr, range));
    }
    for (route, peer) in scene.peer_routes().filter(|(route, _)| swallows(route, cidr)) {
        findings.push(swallowed(kind, cidr, route, peer));
    }
    findings
}

/// The pod bridge carries our own pod CIDR, and so may the bridge of a CNI that was here first.
fn is_expected(scene: &Scene<'_>, network: &IpNet, interface: &str) -> bool {
    scene.is_own(interface) || scene.desired.pod_cidrs.contains(network)
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

fn pods_in_services(scene: &Scene<'_>) -> Vec<Finding> {
    let clusters = &scene.desired.cluster_cidrs;
    let pairs = clusters
        .iter()
        .flat_map(|cluster| scene.service_cidrs.iter().map(move |service| (cluster, service)));
    pairs.filter(|(cluster, service)| overlap(cluster, service)).map(services).collect()
}

fn services((cluster, service): (&IpNet, &IpNet)) -> Finding {
    Finding::new(
        Severity::Error,
        "cluster-overlaps-services",
        format!("the cluster CIDR {cluster} overlaps the service CIDR {service}"),
        "a Service could take the address of a pod",
    )
    .fix("give --cluster-cidr and --service-cidr as the cluster has them; they must be disjoint")
}

#[cfg(test)]
mod tests {
    use super::super::scenes::{Stage, peer};
    use super::check;

    fn codes(stage: &Stage) -> Vec<String> {
        check(&stage.scene()).into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_quiet_machine_has_nothing_to_say() {
        assert!(codes(&Stage::quiet()).is_empty());
    }

    #[test]
    fn a_lan_inside_the_cluster_cidr_is_named() {
        let stage = Stage::quiet().link("eth0", 1500, &["10.42.9.7/24"]);
        assert_eq!(codes(&stage), ["cidr-overlaps-local-network"]);
    }

    #[test]
    fn the_pod_bridge_and_an_older_bridge_with_our_pods_are_expected() {
        let stage = Stage::quiet().link("cni0", 1280, &["10.42.3.1/24"]);
        assert!(codes(&stage).is_empty());
    }

    #[test]
    fn the_vpns_own_range_is_taken() {
        let stage = Stage::quiet().cluster(&["100.64.0.0/16"]);
        assert_eq!(codes(&stage), ["cidr-overlaps-vpn-range"]);
    }

    #[test]
    fn a_supernet_at_a_peer_is_a_warning_and_a_default_route_is_not() {
        let stage = Stage::quiet().peer(peer("exit", &["10.0.0.0/8", "0.0.0.0/0"], true));
        assert!(codes(&stage).iter().all(|code| code == "cidr-inside-foreign-route"));
        assert_eq!(codes(&stage).len(), 3);
    }

    #[test]
    fn services_may_not_lie_among_pods() {
        let stage = Stage::quiet().services(&["10.42.128.0/17"]);
        assert_eq!(codes(&stage), ["cluster-overlaps-services"]);
    }
}
