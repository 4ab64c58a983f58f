//! Puts together what is known of the node, for whoever asked.

use provider_api::{Finding, NetworkName, Observed, Result};

use crate::checks;
use crate::host::{NetworkState, Own, Proof, Session, Stage, StatusReport, judge};
use crate::proof::Verdict;

/// The version of the status report's shape.
const REPORT_VERSION: u32 = 1;

/// Puts the report together, and remembers the proof.
pub(super) fn status(
    session: &Session,
    observed: Observed,
    proof: Option<Proof>,
    findings: Vec<Finding>,
) -> Result<StatusReport> {
    if let Some(proof) = proof.clone() {
        session.remember(|network| network.proof = Some(proof))?;
    }
    Ok(report(session.network_state()?, session.network(), observed, proof, findings))
}

/// Puts the report together. The stage is that of this proof: what was seen long ago is told
/// with its age, and proves nothing now. Pure.
pub(super) fn report(
    state: NetworkState,
    network: &NetworkName,
    observed: Observed,
    proof: Option<Proof>,
    mut findings: Vec<Finding>,
) -> StatusReport {
    let verdict = proof.as_ref().map(|proof| &proof.verdict);
    let stage = judge::stage_of(&observed, &state.desired.pod_cidrs, verdict);
    let state = NetworkState { proof: proof.clone().or(state.proof), ..state };
    findings.extend(observed.findings.iter().cloned());
    findings.extend(causes(stage, &observed, verdict));
    let own = Own::of(&state, &observed);
    let peers = judge::peers(&observed, own);
    findings.extend(checks::foreigners(&peers, own.cluster_cidrs));
    findings.extend(checks::podless(&peers, own));
    let membership = state.membership.iter();
    findings.extend(membership.flat_map(|own| checks::namesakes(&own.name, &peers)));
    checks::sort(&mut findings);
    StatusReport {
        version: REPORT_VERSION,
        stage,
        peers,
        routes: observed.routes,
        cluster: state.cluster.clone(),
        cluster_cidrs: state.desired.cluster_cidrs.clone(),
        pod_cidrs: state.desired.pod_cidrs.clone(),
        network: network.clone(),
        provider: state.provider,
        membership: state.membership,
        proof: state.proof,
        findings,
    }
}

/// Why the node is no further. Pods whose routes nobody serves cannot be answered: the routes
/// are the cause then, and silence is no news.
fn causes(stage: Stage, observed: &Observed, verdict: Option<&Verdict>) -> Vec<Finding> {
    match stage {
        Stage::Apart => Vec::new(),
        Stage::Joined => observed.route_findings.clone(),
        Stage::Served | Stage::Proven => {
            verdict.map(|verdict| verdict.findings.clone()).unwrap_or_default()
        }
    }
}
