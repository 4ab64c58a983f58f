//! `moorline status`: how this node stands, now.

use std::sync::Arc;

use provider_api::Result;

use crate::host::session::{Access, Place};
use crate::host::{
    Directories, Silent, StateDirectory, StatusReport, judge, open, probing, telling,
};
use crate::proof::{Outcome, Verdict};

/// How this node stands. Asks the daemon and the other nodes; changes nothing but the memory
/// of the last proof.
///
/// # Errors
/// Where this node has joined no network, and where its daemon does not answer.
pub async fn status(directories: &Directories) -> Result<StatusReport> {
    let directory = StateDirectory::new(&directories.state);
    // Somebody else at work is no reason not to tell; only then nothing is remembered.
    let lock = directory.lock().ok();
    let access = if lock.is_some() { Access::Write } else { Access::Read };
    let opened = open::from_state(Place { directory, access, reporter: Arc::new(Silent) })?;
    look(&opened, directories).await
}

async fn look(opened: &open::Opened, directories: &Directories) -> Result<StatusReport> {
    let state = opened.session.network_state()?;
    let mut observed = opened.network.observe().await?;
    let verdict = probing::prove(&state, directories, &observed).await;
    let has_crossed = |verdict: &Verdict| verdict.outcome == Outcome::Proven;
    if !verdict.as_ref().is_some_and(has_crossed) {
        // The control server is asked anew, and what it answers shows in what is observed then.
        let told = opened.network.diagnose().await;
        observed = opened.network.observe().await?;
        observed.findings.extend(told);
    }
    if let Some(verdict) = &verdict {
        judge::believe_packets(&mut observed, &state.desired.pod_cidrs, verdict);
    }
    telling::status(&opened.session, observed, verdict, Vec::new())
}
