//! Whether somebody else advertises this node's pod CIDR.

use ipnet::IpNet;
use provider_api::{Finding, Peer, Severity};

use super::Scene;

/// Who has a pod CIDR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim<'a> {
    /// Nobody.
    Free,
    /// A peer that the control server believes to be offline: it is taken over.
    Abandoned(&'a Peer),
    /// A peer that the control server believes to be online.
    Taken(&'a Peer),
}

/// Who has a pod CIDR, or a part of it. An online owner counts more than an offline one.
pub fn claim<'a>(pod_cidr: &IpNet, peers: &'a [Peer]) -> Claim<'a> {
    let claims = |peer: &&Peer| peer.routes.iter().any(|route| pod_cidr.contains(route));
    let mut owners = peers.iter().filter(claims);
    let first = owners.clone().next();
    match (owners.find(|peer| peer.online), first) {
        (Some(peer), _) => Claim::Taken(peer),
        (None, Some(peer)) => Claim::Abandoned(peer),
        (None, None) => Claim::Free,
    }
}

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(observed) = scene.observed else { return Vec::new() };
    let claims = scene.desired.pod_cidrs.iter().map(|cidr| (cidr, claim(cidr, &observed.peers)));
    claims
        .filter_map(|(cidr, claim)| match claim {
            Claim::Free => None,
            Claim::Taken(peer) => Some(taken(cidr, peer)),
            Claim::Abandoned(peer) => Some(abandoned(cidr, peer)),
        })
        .collect()
}

fn taken(cidr: &IpNet, peer: &Peer) -> Finding {
    let name = &peer.name;
    Finding::new(
        Severity::Error,
        "pod-cidr-taken",
        format!("the pod CIDR {cidr} is already served by {name}, which is online"),
        "two nodes with one pod CIDR take each other's traffic",
    )
    .fix(format!(
        "give this node another --pod-cidr; or, if {name} gave it up, run `moorline leave` there"
    ))
}

fn abandoned(cidr: &IpNet, peer: &Peer) -> Finding {
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

    #[test]
    fn a_part_of_it_is_enough_and_a_supernet_is_not() {
        let part = [peer("b", &["10.42.3.0/25"], true)];
        let supernet = [peer("b", &["10.42.0.0/16"], true)];
        assert_eq!(claim(&cidr(), &part), Claim::Taken(&part[0]));
        assert_eq!(claim(&cidr(), &supernet), Claim::Free);
    }

    #[test]
    fn an_online_owner_counts_more_than_an_offline_one() {
        let both = [peer("old", &["10.42.3.0/24"], false), peer("b", &["10.42.3.0/24"], true)];
        assert_eq!(claim(&cidr(), &both), Claim::Taken(&both[1]));
        assert_eq!(claim(&cidr(), &both[..1]), Claim::Abandoned(&both[0]));
    }
}
