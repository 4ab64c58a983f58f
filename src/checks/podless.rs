//! Whether a node of this cluster shows no pods.

use std::collections::BTreeMap;

use provider_api::{Finding, RouteMode, Severity};

use crate::host::{Kinship, Own, PeerReport, bond};

/// The most names that a sentence has room for.
const MOST_NAMES: usize = 5;

/// The online peers that are of this cluster for certain and serve no share of it: one finding
/// for all that have the same in common with this node.
pub fn podless(peers: &[PeerReport], own: Own<'_>) -> Vec<Finding> {
    let is_podless = |report: &&PeerReport| {
        own.mode == RouteMode::Routed && report.peer.online && report.kinship == Kinship::Bystander
    };
    let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for PeerReport { peer, .. } in peers.iter().filter(is_podless) {
        if let Some(bond) = bond(peer, own) {
            alike.entry(bond).or_default().push(&peer.name);
        }
    }
    alike.iter().map(|(bond, names)| without_pods(bond, names)).collect()
}

fn without_pods(bond: &str, names: &[&str]) -> Finding {
    let (have, serve) = match names {
        [_] => ("has", "serves"),
        _ => ("have", "serve"),
    };
    let names = list(names);
    Finding::new(
        Severity::Info,
        "node-without-pods",
        format!("{names} {have} {bond} in common with this node and {serve} no pod CIDR"),
        "pods there cannot be reached: their pod CIDR is not approved, or hidden by policy, or was \
         never given",
    )
    .fix(format!(
        "on {names}: moorline status\n\
         without a pod CIDR yet: moorline up --pod-cidr CIDR\n\
         a node that is to have no pods needs nothing"
    ))
}

fn list(names: &[&str]) -> String {
    let (named, more) = names.split_at(names.len().min(MOST_NAMES));
    let named = named.join(", ");
    if more.is_empty() { named } else { format!("{named} and {} more", more.len()) }
}

#[cfg(test)]
mod tests {
    use super::super::scenes::peer;
    use super::*;
    use crate::host::kinship;
    use provider_api::Peer;

    const CLUSTER: &str = "10.42.0.0/16";

    fn told_in(mode: RouteMode, peers: Vec<Peer>) -> Vec<Finding> {
        let (cluster, tags) = ("default".parse().unwrap(), ["tag:k8s".to_owned()]);
        let cluster_cidrs = [CLUSTER.parse().unwrap()];
        let (cluster, cluster_cidrs, tags) = (&cluster, &cluster_cidrs[..], &tags[..]);
        let own = Own { cluster, mode, cluster_cidrs, tags, verdict: None };
        let report = |peer: Peer| PeerReport { kinship: kinship(&peer, own), peer };
        podless(&peers.into_iter().map(report).collect::<Vec<_>>(), own)
    }

    fn told(peers: Vec<Peer>) -> Vec<String> {
        told_in(RouteMode::Routed, peers).into_iter().map(|finding| finding.what).collect()
    }

    fn tagged(name: &str, tag: &str, routes: &[&str]) -> Peer {
        Peer { tags: vec![tag.to_owned()], ..peer(name, routes, true) }
    }

    #[test]
    fn a_node_of_ours_without_a_share_is_named_with_what_says_so() {
        let b = || tagged("b", "tag:k8s", &["192.168.7.0/24", CLUSTER]);
        let expected = "b has tag:k8s in common with this node and serves no pod CIDR";
        assert_eq!(told(vec![b()]), [expected]);
        let fix = told_in(RouteMode::Routed, vec![b()]).remove(0).fix.unwrap();
        assert!(fix.starts_with("on b: moorline status\n"), "{fix}");
        let named = Peer { cluster: "default".parse().ok(), ..peer("c", &[], true) };
        assert!(told(vec![named])[0].starts_with("c has the cluster default in common"));
    }

    #[test]
    fn many_are_told_at_once() {
        let nodes = (1..=7).map(|number| tagged(&format!("n{number}"), "tag:k8s", &[])).collect();
        let told = told(nodes);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("n1, n2, n3, n4, n5 and 2 more have tag:k8s"), "{told:?}");
    }

    #[test]
    fn who_has_a_share_or_is_offline_or_somebody_else_is_not_told() {
        let offline = Peer { online: false, ..tagged("d", "tag:k8s", &[]) };
        let foreign = Peer { cluster: "other".parse().ok(), ..tagged("f", "tag:k8s", &[]) };
        let others = vec![
            tagged("b", "tag:k8s", &["10.42.2.0/24"]),
            tagged("c", "tag:web", &[]),
            peer("e", &[], true),
            offline,
            foreign,
        ];
        assert_eq!(told(others), [""; 0]);
        let underlay = told_in(RouteMode::Underlay, vec![tagged("b", "tag:k8s", &[])]);
        assert_eq!(underlay, []);
    }
}
