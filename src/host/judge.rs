//! How far the node has come: pure functions of what was observed and probed.

use ipnet::IpNet;
use provider_api::{Observed, OwnRoute, RouteStage};

use crate::host::{Own, PeerReport, Stage, kinship};
use crate::proof::{Outcome, Verdict};

/// The stage of a node that wants these pod CIDRs served.
pub(super) fn stage_of(
    observed: &Observed,
    pod_cidrs: &[IpNet],
    verdict: Option<&Verdict>,
) -> Stage {
    let outcome = verdict.map_or(Outcome::Unknown, |verdict| verdict.outcome);
    let all_served = pod_cidrs.iter().all(|cidr| is_served(cidr, &observed.routes));
    match (observed.up, all_served, outcome) {
        (false, _, _) => Stage::Apart,
        (true, false, _) => Stage::Joined,
        (true, true, Outcome::Proven | Outcome::Alone) => Stage::Proven,
        (true, true, Outcome::Unproven | Outcome::Unknown) => Stage::Served,
    }
}

fn is_served(cidr: &IpNet, routes: &[OwnRoute]) -> bool {
    routes.iter().any(|route| route.prefix == *cidr && route.stage == RouteStage::Served)
}

/// Whether it is open how far one of these pod CIDRs has come.
pub(super) fn is_unclear(observed: &Observed, pod_cidrs: &[IpNet]) -> bool {
    let ours = observed.routes.iter().filter(|route| pod_cidrs.contains(&route.prefix));
    ours.map(|route| route.stage)
        .any(|stage| matches!(stage, RouteStage::Advertised | RouteStage::Withheld))
}

/// A packet that was answered at our own pod address came here through a peer's route to it:
/// that is better news of the route than what this node was told.
pub(super) fn believe_packets(observed: &mut Observed, pod_cidrs: &[IpNet], verdict: &Verdict) {
    let crossings = || verdict.peers.iter().flat_map(|peer| &peer.crossings);
    for route in observed.routes.iter_mut().filter(|route| pod_cidrs.contains(&route.prefix)) {
        let same_family =
            |address: std::net::IpAddr| address.is_ipv4() == matches!(route.prefix, IpNet::V4(_));
        let answered = |crossing: &crate::proof::Crossing| {
            crossing.round_trip.is_some() && same_family(crossing.canary)
        };
        if crossings().any(answered) {
            route.stage = RouteStage::Served;
        }
    }
}

/// Each peer with what it is to this cluster: our nodes first, then by name.
pub(super) fn peers(observed: &Observed, own: Own<'_>) -> Vec<PeerReport> {
    let mut peers: Vec<PeerReport> = observed
        .peers
        .iter()
        .map(|peer| PeerReport { peer: peer.clone(), kinship: kinship(peer, own) })
        .collect();
    peers.sort_by(|one, other| {
        one.kinship.cmp(&other.kinship).then_with(|| one.peer.name.cmp(&other.peer.name))
    });
    peers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Crossing, PeerVerdict};
    use provider_api::{Control, NodeId};
    use std::time::Duration;

    fn cidrs() -> Vec<IpNet> {
        vec!["10.42.3.0/24".parse().unwrap()]
    }

    fn observed(stage: RouteStage) -> Observed {
        let prefix = cidrs()[0];
        Observed {
            up: true,
            control: Control::Connected,
            addresses: vec![],
            tags: vec![],
            interface: "tailscale0".into(),
            mtu: 1280,
            routes: vec![OwnRoute { prefix, ours: true, stage }],
            peers: vec![],
            findings: vec![],
            route_findings: vec![],
        }
    }

    fn verdict(outcome: Outcome, round_trip: Option<Duration>) -> Verdict {
        let canary = "10.42.1.2".parse().unwrap();
        let crossing = Crossing { canary, round_trip, largest: None, crossed: false };
        let peer =
            PeerVerdict { id: NodeId::new("1"), name: "b".into(), crossings: vec![crossing] };
        Verdict { outcome, peers: vec![peer], findings: vec![] }
    }

    #[test]
    fn each_stage_needs_the_one_before() {
        let proven = verdict(Outcome::Proven, None);
        let judge = |observed: &Observed, verdict| stage_of(observed, &cidrs(), verdict);
        assert_eq!(judge(&observed(RouteStage::Withheld), Some(&proven)), Stage::Joined);
        assert_eq!(judge(&observed(RouteStage::Served), None), Stage::Served);
        assert_eq!(judge(&observed(RouteStage::Served), Some(&proven)), Stage::Proven);
        let down = Observed { up: false, ..observed(RouteStage::Served) };
        assert_eq!(judge(&down, Some(&proven)), Stage::Apart);
    }

    #[test]
    fn it_is_open_how_far_a_route_is_that_nobody_told_about() {
        let unclear = |stage| is_unclear(&observed(stage), &cidrs());
        assert!(unclear(RouteStage::Advertised) && unclear(RouteStage::Withheld));
        assert!(!unclear(RouteStage::Unapproved) && !unclear(RouteStage::Served));
        assert!(!is_unclear(&observed(RouteStage::Withheld), &[]), "an admin's own route");
    }

    #[test]
    fn a_member_without_pods_is_served() {
        assert_eq!(stage_of(&observed(RouteStage::Withheld), &[], None), Stage::Served);
    }

    #[test]
    fn an_unknown_outcome_is_never_good() {
        let unknown = verdict(Outcome::Unknown, None);
        assert_eq!(
            stage_of(&observed(RouteStage::Served), &cidrs(), Some(&unknown)),
            Stage::Served
        );
    }

    #[test]
    fn an_answer_at_our_pod_address_shows_that_the_route_is_served() {
        let mut stale = observed(RouteStage::Withheld);
        believe_packets(&mut stale, &cidrs(), &verdict(Outcome::Unproven, None));
        assert_eq!(stale.routes[0].stage, RouteStage::Withheld);
        let answered = verdict(Outcome::Unproven, Some(Duration::from_millis(3)));
        believe_packets(&mut stale, &cidrs(), &answered);
        assert_eq!(stale.routes[0].stage, RouteStage::Served);
    }
}
