//! `moorline status`: how this node stands, now.

use std::sync::Arc;

use jiff::Timestamp;
use provider_api::{Finding, Observed, Result};

use crate::host::session::{Access, Place};
use crate::host::{
    Directories, Proof, Silent, StateDirectory, StatusReport, judge, open, probing, telling,
    unprobed,
};
use crate::proof::Outcome;

/// Whether `status` may tell of a proof that it did not make itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Of one that is some seconds old: the other nodes are not asked again then.
    Remember,
    /// Never: the other nodes are asked now.
    Prove,
}

/// How this node stands. Asks the daemon, and the other nodes where nobody just did; changes
/// nothing but the memory of the last proof.
///
/// # Errors
/// Where this node has joined no network, and where its daemon does not answer.
pub async fn status(directories: &Directories, patience: Patience) -> Result<StatusReport> {
    let directory = StateDirectory::new(&directories.state);
    // Somebody else at work is no reason not to tell.
    let access = Access::Read;
    let place = Place { directory: directory.clone(), access, reporter: Arc::new(Silent) };
    let opened = open::from_state(place)?;
    let known = opened.session.network_state()?;
    let observed = opened.network.observe().await?;
    let recent = known.proof.clone().filter(|proof| proof.holds(Timestamp::now()));
    match recent.filter(|_| patience == Patience::Remember && observed.up) {
        Some(proof) => tell(&opened, observed, Some(proof), Vec::new()),
        None => {
            let report = look(&opened, directories, observed).await?;
            keep(&directory, &opened);
            Ok(report)
        }
    }
}

fn keep(directory: &StateDirectory, opened: &open::Opened) {
    let session = &opened.session;
    let kept =
        session.network_state().and_then(|seen| directory.keep_proof(session.network(), &seen));
    if let Err(error) = kept {
        tracing::warn!(%error, "the proof is not remembered");
    }
}

async fn look(
    opened: &open::Opened,
    directories: &Directories,
    mut observed: Observed,
) -> Result<StatusReport> {
    let state = opened.session.network_state()?;
    let verdict = probing::prove(&state, directories, &observed).await;
    if !verdict.as_ref().is_some_and(|verdict| verdict.outcome == Outcome::Proven) {
        // The control server is asked anew, and what it answers shows in what is observed then.
        // A lone node that was deleted can be told from a healthy one in no other way.
        let told = opened.network.diagnose().await;
        observed = opened.network.observe().await?;
        observed.findings.extend(told);
    }
    let unprobed = verdict.is_none().then(|| unprobed::finding(&state, directories));
    tell(opened, observed, verdict.map(Proof::now), unprobed.into_iter().collect())
}

fn tell(
    opened: &open::Opened,
    mut observed: Observed,
    proof: Option<Proof>,
    findings: Vec<Finding>,
) -> Result<StatusReport> {
    let state = opened.session.network_state()?;
    if let Some(proof) = &proof {
        judge::believe_packets(&mut observed, &state.desired.pod_cidrs, &proof.verdict);
    }
    telling::status(&opened.session, observed, proof, findings)
}
