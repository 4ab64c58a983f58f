//! `moorline leave`: takes back what is ours, and no more.

use std::sync::Arc;

use provider_api::{Enrolment, Finding, Leave, Result, Severity};

use crate::host::session::{Access, Place};
use crate::host::{
    Directories, LeaveReport, NetworkState, Reporter, Silent, StateDirectory, open, pod_network,
};

/// Takes back what the ledger says is ours: routes, settings, the canary, and with
/// [`Leave::Logout`] an enrolment of ours. Can be repeated until all of it is done.
///
/// # Errors
/// Where this node has joined no network, and where its daemon does not answer.
pub async fn leave(
    directories: &Directories,
    how: Leave,
    reporter: Arc<dyn Reporter>,
) -> Result<LeaveReport> {
    let directory = StateDirectory::new(&directories.state);
    let _lock = directory.lock()?;
    let place = Place { directory: directory.clone(), access: Access::Write, reporter };
    let opened = open::from_state(place)?;
    let before = opened.session.network_state()?;
    opened.session.begin("leave", "taking back routes and settings");
    opened.network.leave(how).await?;
    opened.session.done("leave", "took back routes and settings");
    opened.session.begin("pods", "removing the canary");
    pod_network::remove(&opened.session, &before, directories).await?;
    opened.session.done("pods", "removed the canary");
    let changes = opened.session.changes();
    opened.session.forget()?;
    let enrolled = how == Leave::Withdraw || before.ledger.enrolment == Some(Enrolment::Adopted);
    Ok(LeaveReport { changes, findings: left_as_is(&before), enrolled })
}

/// Takes back a first join that never came to its end, so that the daemon does not go on with
/// it. A member stays one.
///
/// # Errors
/// Where its daemon does not answer.
pub async fn abandon(directories: &Directories) -> Result<()> {
    let directory = StateDirectory::new(&directories.state);
    let _lock = directory.lock()?;
    if directory.load()?.networks.is_empty() {
        return Ok(());
    }
    let reporter = Arc::new(Silent);
    let opened = open::from_state(Place { directory, access: Access::Write, reporter })?;
    if opened.session.network_state()?.ledger.enrolment.is_some() {
        return Ok(());
    }
    opened.network.leave(Leave::Withdraw).await?;
    opened.session.forget()
}

/// What stays changed, since others may have come to need it.
fn left_as_is(before: &NetworkState) -> Vec<Finding> {
    let told = |(key, was): (&String, &String)| {
        Finding::new(
            Severity::Info,
            "sysctl-stays",
            format!("{key} stays as Moorline set it; it was {was} before"),
            "other networks on this machine may have come to need it",
        )
        .fix(format!("sysctl -w {key}={was}"))
    };
    before.sysctls.iter().map(told).collect()
}
