//! `moorline leave`: takes back what is ours, and no more.

use std::sync::Arc;

use provider_api::{Enrolment, Finding, Leave, Result, Severity};

use crate::host::session::{Access, Place};
use crate::host::{
    Directories, LeaveReport, NetworkState, PATIENCE, Reporter, Silent, StateDirectory, StateLock,
    open, pod_network,
};

/// Takes back what the ledger says is ours: routes, settings, the canary, and with
/// [`Leave::Logout`] an enrolment of ours. Can be repeated until all of it is done: what this
/// machine holds is taken down even where the network's daemon is away.
///
/// # Errors
/// Where this node has joined no network, and where its daemon does not answer.
pub async fn leave(
    directories: &Directories,
    how: Leave,
    reporter: Arc<dyn Reporter>,
) -> Result<LeaveReport> {
    let lock = StateDirectory::new(&directories.state).lock_within(PATIENCE).await?;
    leave_with(&lock, directories, how, reporter).await
}

/// The same, for a caller that holds the lock.
pub(super) async fn leave_with(
    _lock: &StateLock,
    directories: &Directories,
    how: Leave,
    reporter: Arc<dyn Reporter>,
) -> Result<LeaveReport> {
    let directory = StateDirectory::new(&directories.state);
    let place = Place { directory, access: Access::Write, reporter };
    let opened = open::to_leave(place)?;
    let session = &opened.session;
    let before = session.network_state()?;
    session.begin("leave", "taking back routes and settings");
    let left = opened.network.leave(how).await;
    if left.is_ok() {
        session.done("leave", "took back routes and settings");
    }
    session.begin("pods", "removing the canary");
    let removed = pod_network::remove(session, &before, directories).await;
    left.and(removed)?;
    session.done("pods", "removed the canary");
    let mut findings = pod_network::bridges_that_stay(&before).await?;
    findings.extend(left_as_is(&before));
    let changes = session.changes();
    session.forget()?;
    let enrolled = stays_enrolled(&before, how);
    Ok(LeaveReport { changes, findings, enrolled })
}

/// Whether the node stays enrolled. The ledger of a `leave` that was cut short may say no more
/// who enrolled it; the membership does.
fn stays_enrolled(before: &NetworkState, how: Leave) -> bool {
    let membership = before.membership.as_ref().map(|membership| membership.enrolment);
    let enrolment = before.ledger.enrolment.or(membership);
    how != Leave::Logout || enrolment == Some(Enrolment::Adopted)
}

/// Takes back a login that never came to its end, so that the daemon does not go on with it. A
/// member stays one, where it was.
///
/// # Errors
/// Where its daemon does not answer.
pub async fn abandon(directories: &Directories) -> Result<()> {
    let lock = StateDirectory::new(&directories.state).lock_within(PATIENCE).await?;
    abandon_with(&lock, directories).await
}

/// The same, for a caller that holds the lock.
pub(super) async fn abandon_with(_lock: &StateLock, directories: &Directories) -> Result<()> {
    let directory = StateDirectory::new(&directories.state);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::state::example::member;

    #[test]
    fn an_adopted_node_stays_enrolled_also_after_a_leave_that_was_cut_short() {
        let (adopted, ours) = (member(Enrolment::Adopted), member(Enrolment::Ours));
        assert!(stays_enrolled(&adopted, Leave::Logout));
        let cut_short = NetworkState { ledger: Default::default(), ..adopted };
        assert!(stays_enrolled(&cut_short, Leave::Logout));
        assert!(!stays_enrolled(&ours, Leave::Logout));
        assert!(stays_enrolled(&ours, Leave::Withdraw));
    }
}
