//! Puts together what is known of the node, for whoever asked.

use provider_api::{Finding, Observed, Result};

use crate::checks;
use crate::host::{Own, Proof, Session, StatusReport, judge};
use crate::proof::Verdict;

/// The version of the status report's shape.
const REPORT_VERSION: u32 = 1;

/// Puts the report together, and remembers the proof.
pub(super) fn status(
    session: &Session,
    observed: Observed,
    verdict: Option<Verdict>,
    mut findings: Vec<Finding>,
) -> Result<StatusReport> {
    if let Some(verdict) = verdict {
        let at = jiff::Timestamp::now();
        session.remember(|network| network.proof = Some(Proof { at, verdict }))?;
    }
    let state = session.network_state()?;
    let verdict = state.proof.as_ref().map(|proof| &proof.verdict);
    findings.extend(observed.findings.iter().cloned());
    findings.extend(verdict.into_iter().flat_map(|verdict| verdict.findings.clone()));
    checks::sort(&mut findings);
    let own = Own {
        cluster: &state.cluster,
        cluster_cidrs: &state.desired.cluster_cidrs,
        tags: &observed.tags,
    };
    Ok(StatusReport {
        version: REPORT_VERSION,
        stage: judge::stage_of(&observed, &state.desired.pod_cidrs, verdict),
        peers: judge::peers(&observed, own),
        routes: observed.routes,
        cluster: state.cluster.clone(),
        cluster_cidrs: state.desired.cluster_cidrs.clone(),
        network: session.network().clone(),
        provider: state.provider,
        membership: state.membership,
        proof: state.proof,
        findings,
    })
}
