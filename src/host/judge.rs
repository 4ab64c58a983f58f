//! How far the node has come: pure functions of what was observed and probed.

use ipnet::IpNet;
use provider_api::{Finding, Observed, OwnRoute, RouteStage, Severity};

use crate::host::{Own, PeerReport, Stage, kinship};
use crate::proof::{Crossing, Outcome, Verdict};

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
    ours.map(|route| route.stage).any(is_open)
}

/// Whether all who should answer are silent. That is how it looks where the control server has
/// put this node out and did not say so.
pub(super) fn is_cut_off(verdict: &Verdict) -> bool {
    let mut crossings = verdict.peers.iter().flat_map(|peer| &peer.crossings).peekable();
    crossings.peek().is_some() && crossings.all(|one| one.round_trip.is_none())
}

/// Whether that stage is no more than what this node was told.
fn is_open(stage: RouteStage) -> bool {
    matches!(stage, RouteStage::Advertised | RouteStage::Withheld)
}

/// The pod CIDRs that the network does not call served.
pub(super) fn unserved(observed: &Observed, pod_cidrs: &[IpNet]) -> Vec<IpNet> {
    pod_cidrs.iter().filter(|cidr| !is_served(cidr, &observed.routes)).copied().collect()
}

/// A packet that left with a pod's address and was answered there came back through a peer's
/// route to it: that is better news of the route than not knowing. What is known for certain
/// stays. Packets that left with another address say nothing of the route, and are a finding.
pub(super) fn believe_packets(observed: &mut Observed, pod_cidrs: &[IpNet], verdict: &Verdict) {
    let crossings = verdict.peers.iter().flat_map(|peer| &peer.crossings);
    let answered: Vec<&Crossing> = crossings.filter(|one| one.round_trip.is_some()).collect();
    for route in observed.routes.iter_mut().filter(|route| pod_cidrs.contains(&route.prefix)) {
        let mut sources = answered.iter().filter(|one| route.prefix.contains(&one.source));
        if sources.clone().any(|one| one.source_kept == Some(false)) {
            observed.findings.push(masqueraded(route, &observed.interface));
        } else if is_open(route.stage) && sources.any(|one| one.source_kept == Some(true)) {
            route.stage = RouteStage::Served;
        }
    }
}

/// Where the route is served, answers come back all the same.
fn masqueraded(route: &OwnRoute, interface: &str) -> Finding {
    let OwnRoute { prefix: pod_cidr, stage, .. } = route;
    let is_served = *stage == RouteStage::Served;
    Finding::new(
        if is_served { Severity::Warning } else { Severity::Error },
        "pods-masqueraded",
        format!("packets from {pod_cidr} leave by {interface} with another source address"),
        "pods elsewhere see this node in place of a pod, and what they answer proves no route",
    )
    .fix(format!(
        "nft list ruleset; iptables-save -t nat   # leave packets from {pod_cidr} to {interface} \
         out of the masquerade"
    ))
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
    use crate::host::example;
    use crate::proof::{Between, Kin, PeerVerdict};
    use provider_api::NodeId;
    use std::time::Duration;

    fn cidrs() -> Vec<IpNet> {
        vec!["10.42.3.0/24".parse().unwrap()]
    }

    fn observed(stage: RouteStage) -> Observed {
        let prefix = cidrs()[0];
        Observed { routes: vec![OwnRoute { prefix, ours: true, stage }], ..example::observed() }
    }

    fn verdict(outcome: Outcome, round_trip: Option<Duration>) -> Verdict {
        let crossing = Crossing {
            source: "10.42.3.2".parse().unwrap(),
            source_kept: Some(true),
            canary: "10.42.1.2".parse().unwrap(),
            round_trip,
            largest: None,
            crossed: false,
            quality: None,
        };
        let peer = PeerVerdict {
            id: NodeId::new("1"),
            name: "b".into(),
            kin: Kin::Ours,
            crossings: vec![crossing],
        };
        Verdict { outcome, between: Between::Pods, peers: vec![peer], findings: vec![] }
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

    /// A verdict with one answer at a pod's address, which left with it or not.
    fn answered(source: &str, source_kept: Option<bool>) -> Verdict {
        let mut verdict = verdict(Outcome::Unproven, Some(Duration::from_millis(3)));
        let crossing = &mut verdict.peers[0].crossings[0];
        (crossing.source, crossing.source_kept) = (source.parse().unwrap(), source_kept);
        verdict
    }

    fn believed(stage: RouteStage, verdict: &Verdict) -> (RouteStage, Vec<String>) {
        let mut observed = observed(stage);
        believe_packets(&mut observed, &cidrs(), verdict);
        let findings = observed.findings.into_iter().map(|finding| finding.code);
        (observed.routes[0].stage, findings.collect())
    }

    #[test]
    fn an_answer_at_our_pod_address_shows_that_the_route_is_served() {
        let silence = verdict(Outcome::Unproven, None);
        let answer = answered("10.42.3.2", Some(true));
        for open in [RouteStage::Advertised, RouteStage::Withheld] {
            assert_eq!(believed(open, &silence), (open, vec![]));
            assert_eq!(believed(open, &answer), (RouteStage::Served, vec![]));
            assert_eq!(believed(open, &answered("10.42.3.2", None)), (open, vec![]));
            assert_eq!(believed(open, &answered("10.42.4.2", Some(true))), (open, vec![]));
        }
    }

    #[test]
    fn what_is_known_for_certain_stays() {
        for certain in [RouteStage::Unapproved, RouteStage::Hidden, RouteStage::Standby] {
            assert_eq!(believed(certain, &answered("10.42.3.2", Some(true))), (certain, vec![]));
        }
    }

    #[test]
    fn a_masquerade_shows_nothing_and_is_told() {
        for stage in [RouteStage::Withheld, RouteStage::Unapproved, RouteStage::Standby] {
            let told = vec!["pods-masqueraded".to_owned()];
            assert_eq!(believed(stage, &answered("10.42.3.2", Some(false))), (stage, told));
        }
    }
}
