//! `moorline status`: how this node stands, now.

use std::sync::Arc;

use provider_api::Result;

use crate::host::session::{Access, Place};
use crate::host::{
    Directories, Silent, StateDirectory, StatusReport, judge, open, probing, telling, unprobed,
};
use crate::proof::Outcome;

/// How this node stands. Asks the daemon and the other nodes; changes nothing but the memory
/// of the last proof.
///
/// # Errors
/// Where this node has joined no network, and where its daemon does not answer.
pub async fn status(directories: &Directories) -> Result<StatusReport> {
    let directory = StateDirectory::new(&directories.state);
    // Somebody else at work is no reason not to tell.
    let access = Access::Read;
    let place = Place { directory: directory.clone(), access, reporter: Arc::new(Silent) };
    let opened = open::from_state(place)?;
    let report = look(&opened, directories).await?;
    let seen = opened.session.network_state()?;
    if let Err(error) = directory.keep_proof(opened.session.network(), &seen) {
        tracing::warn!(%error, "the proof is not remembered");
    }
    Ok(report)
}

async fn look(opened: &open::Opened, directories: &Directories) -> Result<StatusReport> {
    let state = opened.session.network_state()?;
    let mut observed = opened.network.observe().await?;
    let verdict = probing::prove(&state, directories, &observed).await;
    if !verdict.as_ref().is_some_and(|verdict| verdict.outcome == Outcome::Proven) {
        // The control server is asked anew, and what it answers shows in what is observed then.
        // A lone node that was deleted can be told from a healthy one in no other way.
        let told = opened.network.diagnose().await;
        observed = opened.network.observe().await?;
        observed.findings.extend(told);
    }
    let mut findings = Vec::new();
    match &verdict {
        Some(verdict) => {
            judge::believe_packets(&mut observed, &state.desired.pod_cidrs, verdict);
        }
        None => findings.push(unprobed::finding(&state, directories)),
    }
    telling::status(&opened.session, observed, verdict, findings)
}
