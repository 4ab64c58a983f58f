//! Who among the peers belongs to this cluster.

use ipnet::IpNet;
use provider_api::{ClusterName, Peer};

use crate::host::Kinship;

/// What this node knows of itself when it judges others.
#[derive(Debug, Clone, Copy)]
pub struct Own<'a> {
    /// The cluster that it belongs to.
    pub cluster: &'a ClusterName,
    /// The cluster's CIDRs.
    pub cluster_cidrs: &'a [IpNet],
    /// The marks that administrators gave it.
    pub tags: &'a [String],
}

/// Whether one prefix lies inside, or contains, the other.
pub fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

/// What a peer is to this cluster. A peer that serves a pod CIDR here is taken for one of
/// ours unless its cluster's name or its tags say for certain that it is not.
pub fn kinship(peer: &Peer, own: Own<'_>) -> Kinship {
    let inside = |route: &IpNet| own.cluster_cidrs.iter().any(|cidr| cidr.contains(route));
    if peer.cluster.as_ref().is_some_and(|cluster| cluster != own.cluster) {
        return Kinship::Foreign;
    }
    match peer.routes.iter().any(inside) {
        false => Kinship::Bystander,
        true if tags_part(&peer.tags, own.tags) => Kinship::Foreign,
        true => Kinship::Node,
    }
}

/// Whether both have tags, and not one in common.
fn tags_part(theirs: &[String], ours: &[String]) -> bool {
    !theirs.is_empty() && !ours.is_empty() && !theirs.iter().any(|tag| ours.contains(tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use provider_api::{NodeId, Path};

    fn peer(route: &str, tags: &[&str]) -> Peer {
        Peer {
            id: NodeId::new("1"),
            name: "b".into(),
            cluster: None,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            addresses: vec![],
            routes: vec![route.parse().unwrap()],
            online: true,
            path: Path::Idle,
            last_contact: None,
            removal: None,
        }
    }

    fn judge(peer: &Peer, tags: &[&str]) -> Kinship {
        let cluster = "default".parse().unwrap();
        let cidrs = ["10.42.0.0/16".parse().unwrap()];
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        kinship(peer, Own { cluster: &cluster, cluster_cidrs: &cidrs, tags: &tags })
    }

    #[test]
    fn a_pod_cidr_of_ours_makes_a_node() {
        assert_eq!(judge(&peer("10.42.1.0/24", &[]), &[]), Kinship::Node);
        assert_eq!(judge(&peer("192.168.7.0/24", &[]), &[]), Kinship::Bystander);
    }

    #[test]
    fn a_supernet_of_the_cluster_makes_no_node() {
        assert_eq!(judge(&peer("10.0.0.0/8", &[]), &[]), Kinship::Bystander);
    }

    #[test]
    fn tags_tell_a_foreigner_only_where_both_have_some() {
        let theirs = peer("10.42.1.0/24", &["tag:b"]);
        assert_eq!(judge(&theirs, &["tag:a"]), Kinship::Foreign);
        assert_eq!(judge(&theirs, &["tag:a", "tag:b"]), Kinship::Node);
        assert_eq!(judge(&theirs, &[]), Kinship::Node);
    }

    #[test]
    fn another_clusters_name_is_certain() {
        let theirs = Peer { cluster: "other".parse().ok(), ..peer("10.42.1.0/24", &[]) };
        assert_eq!(judge(&theirs, &[]), Kinship::Foreign);
    }
}
