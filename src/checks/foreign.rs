//! Whether another cluster has its pods inside this cluster's CIDRs.

use ipnet::IpNet;
use provider_api::{Finding, Severity};

use crate::cidr::is_share;
use crate::host::{Kinship, PeerReport};

/// The foreigners whose pods are among ours.
pub fn foreigners(peers: &[PeerReport], cluster_cidrs: &[IpNet]) -> Vec<Finding> {
    let foreign = peers.iter().filter(|peer| peer.kinship == Kinship::Foreign);
    foreign
        .flat_map(|PeerReport { peer, .. }| {
            let routes = peer.routes.iter().filter(|route| is_share(route, cluster_cidrs));
            routes.map(|route| among_ours(&peer.name, route))
        })
        .collect()
}

fn among_ours(name: &str, route: &IpNet) -> Finding {
    Finding::new(
        Severity::Warning,
        "foreign-in-cluster",
        format!("{name} belongs to another cluster and serves {route}, inside this cluster's CIDR"),
        "the two clusters share their addresses: sooner or later both give out the same pod CIDR",
    )
    .fix("give each cluster in one network a cluster CIDR of its own")
}

#[cfg(test)]
mod tests {
    use super::super::scenes::peer;
    use super::*;

    #[test]
    fn only_a_foreigner_among_our_pods_is_told() {
        let clusters = ["10.42.0.0/16".parse().unwrap()];
        let told = |route: &str, kinship| {
            let peers = [PeerReport { peer: peer("b", &["192.168.7.0/24", route], true), kinship }];
            foreigners(&peers, &clusters).len()
        };
        assert_eq!(told("10.42.2.0/24", Kinship::Foreign), 1);
        assert_eq!(told("10.44.2.0/24", Kinship::Foreign), 0);
        assert_eq!(told("10.42.2.0/24", Kinship::Node), 0);
    }
}
