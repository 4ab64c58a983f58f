//! Who among the peers belongs to this cluster.

use ipnet::IpNet;
use provider_api::{ClusterName, Observed, Peer, RouteMode};

use crate::cidr::is_share;
use crate::host::{Kinship, NetworkState};
use crate::proof::{Kin, Verdict};
use crate::settings::DEFAULT_CLUSTER;

/// What this node knows of itself when it judges others.
#[derive(Debug, Clone, Copy)]
pub struct Own<'a> {
    /// The cluster that it belongs to.
    pub cluster: &'a ClusterName,
    /// Who routes the pods' traffic.
    pub mode: RouteMode,
    /// The cluster's CIDRs.
    pub cluster_cidrs: &'a [IpNet],
    /// The marks that administrators gave it.
    pub tags: &'a [String],
    /// What the peers' own responders say; none where nobody asked them.
    pub verdict: Option<&'a Verdict>,
}

impl<'a> Own<'a> {
    /// What is remembered and observed of this node.
    pub fn of(state: &'a NetworkState, observed: &'a Observed) -> Self {
        Own {
            cluster: &state.cluster,
            mode: state.desired.mode,
            cluster_cidrs: &state.desired.cluster_cidrs,
            tags: &observed.tags,
            verdict: state.proof.as_ref().map(|proof| &proof.verdict),
        }
    }

    /// What this peer's own responder says.
    fn kin(&self, peer: &Peer) -> Kin {
        let mut asked = self.verdict.iter().flat_map(|verdict| &verdict.peers);
        asked.find(|asked| asked.id == peer.id).map_or(Kin::Unknown, |asked| asked.kin)
    }
}

/// What a peer is to this cluster: its responder and its cluster's name say so for certain,
/// then a tag in common. What is said by none is unknown, where the peer has a node's part.
pub fn kinship(peer: &Peer, own: Own<'_>) -> Kinship {
    match own.kin(peer) {
        Kin::Foreign => return Kinship::Foreign,
        Kin::Ours if has_part(peer, own) && is_believed(peer, own) => return Kinship::Node,
        Kin::Ours | Kin::Unknown => {}
    }
    match &peer.cluster {
        Some(cluster) if cluster != own.cluster => return Kinship::Foreign,
        Some(_) if has_part(peer, own) => return Kinship::Node,
        Some(_) | None => {}
    }
    match (has_part(peer, own), tags(&peer.tags, own.tags)) {
        (true, Tags::Shared) => Kinship::Node,
        (true, Tags::Apart) if own.mode == RouteMode::Routed => Kinship::Foreign,
        (true, Tags::Apart) | (false, _) => Kinship::Bystander,
        (true, Tags::Silent) => Kinship::Unknown,
    }
}

/// Whether a responder's word counts. Clusters that nobody gave a name share one, and with it
/// the key that is made of it: there the tags know better.
fn is_believed(peer: &Peer, own: Own<'_>) -> bool {
    let is_named = own.cluster.as_str() != DEFAULT_CLUSTER;
    is_named || !matches!(tags(&peer.tags, own.tags), Tags::Apart)
}

/// What says for certain that a peer is of this cluster, whatever its part: the name of the
/// cluster, else a tag, in words for people.
pub fn bond(peer: &Peer, own: Own<'_>) -> Option<String> {
    match &peer.cluster {
        Some(cluster) => (cluster == own.cluster).then(|| format!("the cluster {cluster}")),
        None => peer.tags.iter().find(|tag| own.tags.contains(tag)).cloned(),
    }
}

/// Whether a peer has what makes a node: a share of the pods, or, where those are none of our
/// business, no more and no fewer marks than this node.
fn has_part(peer: &Peer, own: Own<'_>) -> bool {
    match own.mode {
        RouteMode::Routed => peer.routes.iter().any(|route| is_share(route, own.cluster_cidrs)),
        RouteMode::Underlay => peer.tags.is_empty() == own.tags.is_empty(),
    }
}

/// What the tags of two nodes say of their clusters.
enum Tags {
    /// One of them is on both.
    Shared,
    /// Both have some, and none in common.
    Apart,
    /// At most one of the two has any.
    Silent,
}

fn tags(theirs: &[String], ours: &[String]) -> Tags {
    if theirs.iter().any(|tag| ours.contains(tag)) {
        Tags::Shared
    } else if theirs.is_empty() || ours.is_empty() {
        Tags::Silent
    } else {
        Tags::Apart
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::example;
    use crate::proof::{Between, Outcome, PeerVerdict};

    fn peer(route: &str, tags: &[&str]) -> Peer {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        Peer { tags, routes: vec![route.parse().unwrap()], ..example::peer("b") }
    }

    fn judge(peer: &Peer, tags: &[&str]) -> Kinship {
        judge_in(RouteMode::Routed, peer, tags)
    }

    fn judge_in(mode: RouteMode, peer: &Peer, tags: &[&str]) -> Kinship {
        let cluster = "default".parse().unwrap();
        let cidrs = ["10.42.0.0/16".parse().unwrap()];
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let (cluster, cluster_cidrs, tags) = (&cluster, &cidrs[..], &tags[..]);
        kinship(peer, Own { cluster, mode, cluster_cidrs, tags, verdict: None })
    }

    #[test]
    fn a_pod_cidr_of_ours_makes_a_node_of_whom_nothing_else_is_known() {
        assert_eq!(judge(&peer("10.42.1.0/24", &[]), &[]), Kinship::Unknown);
        assert_eq!(judge(&peer("192.168.7.0/24", &[]), &[]), Kinship::Bystander);
    }

    #[test]
    fn a_route_as_wide_as_the_cluster_makes_no_node() {
        for wide in ["10.42.0.0/16", "10.0.0.0/8"] {
            assert_eq!(judge(&peer(wide, &["tag:a"]), &["tag:a"]), Kinship::Bystander, "{wide}");
        }
    }

    #[test]
    fn tags_tell_only_where_both_have_some() {
        let theirs = peer("10.42.1.0/24", &["tag:b"]);
        assert_eq!(judge(&theirs, &["tag:a"]), Kinship::Foreign);
        assert_eq!(judge(&theirs, &["tag:a", "tag:b"]), Kinship::Node);
        assert_eq!(judge(&theirs, &[]), Kinship::Unknown);
    }

    #[test]
    fn a_clusters_name_is_certain() {
        let named = |name: &str| Peer { cluster: name.parse().ok(), ..peer("10.42.1.0/24", &[]) };
        assert_eq!(judge(&named("other"), &[]), Kinship::Foreign);
        assert_eq!(judge(&named("default"), &[]), Kinship::Node);
    }

    #[test]
    fn a_responder_is_certain_whatever_the_tags_say() {
        let told_in = |cluster: &str, peer: &Peer, kin| {
            let (id, name, crossings) = (peer.id.clone(), peer.name.clone(), vec![]);
            let peers = vec![PeerVerdict { id, name, kin, crossings }];
            let (outcome, between) = (Outcome::Proven, Between::Pods);
            let verdict = Verdict { outcome, between, peers, findings: vec![] };
            let (cluster, cidrs) = (cluster.parse().unwrap(), ["10.42.0.0/16".parse().unwrap()]);
            let (mode, tags) = (RouteMode::Routed, ["tag:a".to_owned()]);
            let verdict = Some(&verdict);
            let (cluster, cluster_cidrs) = (&cluster, &cidrs[..]);
            kinship(peer, Own { cluster, mode, cluster_cidrs, tags: &tags, verdict })
        };
        let told = |peer: &Peer, kin| told_in("blue", peer, kin);
        let shared = peer("10.42.1.0/24", &["tag:a"]);
        assert_eq!(told(&shared, Kin::Foreign), Kinship::Foreign);
        assert_eq!(told(&peer("10.42.1.0/24", &["tag:b"]), Kin::Ours), Kinship::Node);
        assert_eq!(told(&shared, Kin::Unknown), Kinship::Node);
        assert_eq!(told(&peer("192.168.7.0/24", &[]), Kin::Ours), Kinship::Bystander);
        let nameless = |peer: &Peer| told_in(DEFAULT_CLUSTER, peer, Kin::Ours);
        let apart = peer("10.42.1.0/24", &["tag:b"]);
        assert_eq!(nameless(&apart), Kinship::Foreign, "two clusters without a name of their own");
        assert_eq!(nameless(&shared), Kinship::Node);
    }

    #[test]
    fn without_routes_the_marks_tell_who_is_a_node() {
        let judge = |theirs: &[&str], ours: &[&str]| {
            judge_in(RouteMode::Underlay, &peer("192.168.7.0/24", theirs), ours)
        };
        assert_eq!(judge(&["tag:a"], &["tag:a", "tag:b"]), Kinship::Node);
        assert_eq!(judge(&[], &[]), Kinship::Unknown);
        assert_eq!(judge(&["tag:a"], &["tag:b"]), Kinship::Bystander);
        assert_eq!(judge(&["tag:a"], &[]), Kinship::Bystander);
        assert_eq!(judge(&[], &["tag:b"]), Kinship::Bystander);
    }
}
