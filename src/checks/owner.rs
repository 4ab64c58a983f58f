//! Whether somebody else advertises this node's pod CIDR.

use ipnet::IpNet;
use provider_api::{Desired, Finding, Peer, Severity};

use super::Scene;
use crate::cidr::is_share;

/// Who has a pod CIDR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim<'a> {
    /// Nobody.
    Free,
    /// A peer that the control server believes to be offline: it is taken over.
    Abandoned(Owner<'a>),
    /// A peer that the control server believes to be online.
    Taken(Owner<'a>),
}

/// A peer, and the route of it that is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner<'a> {
    /// The peer.
    pub peer: &'a Peer,
    /// Its route.
    pub route: IpNet,
}

/// Who has a pod CIDR, a part of it, or a share of the cluster that it lies in. An online
/// owner counts more than an offline one.
pub fn claim<'a>(pod_cidr: &IpNet, cluster_cidrs: &[IpNet], peers: &'a [Peer]) -> Claim<'a> {
    let claims = |route: &&IpNet| {
        pod_cidr.contains(*route) || (route.contains(pod_cidr) && is_share(route, cluster_cidrs))
    };
    let owner =
        |peer: &'a Peer| peer.routes.iter().find(claims).map(|route| Owner { peer, route: *route });
    let mut owners = peers.iter().filter_map(owner);
    let first = owners.clone().next();
    match (owners.find(|owner| owner.peer.online), first) {
        (Some(owner), _) => Claim::Taken(owner),
        (None, Some(owner)) => Claim::Abandoned(owner),
        (None, None) => Claim::Free,
    }
}

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(observed) = scene.observed else { return Vec::new() };
    let Desired { pod_cidrs, cluster_cidrs, .. } = scene.desired;
    pod_cidrs
        .iter()
        .filter_map(|cidr| match claim(cidr, cluster_cidrs, &observed.peers) {
            Claim::Free => None,
            Claim::Taken(owner) => Some(taken(cidr, owner)),
            Claim::Abandoned(owner) => Some(abandoned(cidr, owner.peer)),
        })
        .collect()
}

fn taken(cidr: &IpNet, Owner { peer, route }: Owner<'_>) -> Finding {
    let name = &peer.name;
    let what = match route == *cidr {
        true => format!("the pod CIDR {cidr} is already served by {name}, which is online"),
        false => format!("the pod CIDR {cidr} overlaps {route}, which {name} serves online"),
    };
    Finding::new(
        Severity::Error,
        "pod-cidr-taken",
        what,
        "two nodes with one pod CIDR take each other's traffic",
    )
    .fix(format!(
        "give this node another --pod-cidr; or, if {name} gave it up, run `moorline leave` there"
    ))
}

/// That this node takes over what a peer had that is offline, and how to be rid of that peer.
pub fn abandoned(cidr: &IpNet, peer: &Peer) -> Finding {
    let finding = Finding::new(
        Severity::Warning,
        "pod-cidr-abandoned",
        format!("the pod CIDR {cidr} was served by {}, which is offline", peer.name),
        "this node takes it over; if the other one comes back, both claim it",
    );
    match &peer.removal {
        Some(command) => finding.fix(command.clone()),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenes::peer;
    use super::*;

    fn cidr() -> IpNet {
        "10.42.3.0/24".parse().unwrap()
    }

    fn claimed(peers: &[Peer]) -> Claim<'_> {
        claim(&cidr(), &["10.42.0.0/16".parse().unwrap()], peers)
    }

    #[test]
    fn a_part_of_it_is_enough_and_so_is_a_share_around_it() {
        for route in ["10.42.3.0/25", "10.42.3.0/24", "10.42.2.0/23"] {
            let peers = [peer("b", &["192.168.7.0/24", route], true)];
            let owner = Owner { peer: &peers[0], route: route.parse().unwrap() };
            assert_eq!(claimed(&peers), Claim::Taken(owner));
            assert!(taken(&cidr(), owner).what.contains(route), "{route}");
        }
    }

    #[test]
    fn a_route_as_wide_as_the_cluster_is_nobodys_share() {
        for route in ["10.42.0.0/16", "10.0.0.0/8", "10.42.4.0/24"] {
            assert_eq!(claimed(&[peer("b", &[route], true)]), Claim::Free, "{route}");
        }
    }

    #[test]
    fn an_online_owner_counts_more_than_an_offline_one() {
        let both = [peer("old", &["10.42.3.0/24"], false), peer("b", &["10.42.3.0/24"], true)];
        let owner = |peer| Owner { peer, route: cidr() };
        assert_eq!(claimed(&both), Claim::Taken(owner(&both[1])));
        assert_eq!(claimed(&both[..1]), Claim::Abandoned(owner(&both[0])));
    }
}
