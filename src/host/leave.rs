//! `moorline leave`: takes back what is ours, and no more.

use std::sync::Arc;

use provider_api::{Enrolment, Finding, Leave, Result, Severity};

use crate::host::session::{Access, Place};
use crate::host::{
    Directories, LeaveReport, NetworkState, PATIENCE, Reporter, Silent, StateDirectory, open,
    pod_network,
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
    let _lock = directory.lock_within(PATIENCE).await?;
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
    Ok(LeaveReport { changes, findings: Vec::from_iter(left_as_is(&before)), enrolled })
}

/// Takes back a login that never came to its end, so that the daemon does not go on with it. A
/// member stays one, where it was.
///
/// # Errors
/// Where its daemon does not answer.
pub async fn abandon(directories: &Directories) -> Result<()> {
    let directory = StateDirectory::new(&directories.state);
    let _lock = directory.lock_within(PATIENCE).await?;
    if directory.load()?.networks.is_empty() {
        return Ok(());
    }
    let reporter = Arc::new(Silent);
    let opened = open::from_state(Place { directory, access: Access::Write, reporter })?;
    opened.network.leave(Leave::Unfinished).await?;
    match opened.session.network_state()?.ledger.enrolment {
        Some(_) => Ok(()),
        None => opened.session.forget(),
    }
}

/// What stays changed, since others may have come to need it; as one, since the one without the
/// other would take a default route away.
fn left_as_is(before: &NetworkState) -> Option<Finding> {
    let was: Vec<String> = before.sysctls.iter().map(|(key, was)| format!("{key}={was}")).collect();
    let finding = Finding::new(
        Severity::Info,
        "sysctl-stays",
        "forwarding stays on, which was off before Moorline came",
        "other networks on this machine may have come to need it",
    );
    (!was.is_empty()).then(|| finding.fix(format!("where none does: sysctl -w {}", was.join(" "))))
}
