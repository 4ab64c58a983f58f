//! `moorline up`: join, check, apply, observe, prove, tell.

mod news;
mod waiting;

use std::sync::Arc;
use std::time::Instant;

use provider_api::{Desired, Plan, Result};

use crate::host::establish::{Established, establish};
use crate::host::pod_network::FirewallSeen;
use crate::host::session::{Access, Place};
use crate::host::{
    Directories, PATIENCE, Proof, Reporter, Silent, StateDirectory, StateLock, UpReport, open,
    pod_network, telling,
};
use crate::settings::Settings;
use waiting::Seen;

/// Joins the network, makes the desired state true, and waits for the stage that is asked for.
///
/// # Errors
/// What forbids to go on, naming who must act. A stage that is not reached in time is no
/// error: the report says why.
pub async fn up(settings: &Settings, reporter: Arc<dyn Reporter>) -> Result<UpReport> {
    let directory = StateDirectory::new(&settings.state_dir.value);
    let lock = directory.lock_within(PATIENCE).await?;
    up_with(&lock, settings, reporter).await
}

/// The same, for a caller that holds the lock.
pub(super) async fn up_with(
    _lock: &StateLock,
    settings: &Settings,
    reporter: Arc<dyn Reporter>,
) -> Result<UpReport> {
    let started = Instant::now();
    let directory = StateDirectory::new(&settings.state_dir.value);
    let place = Place { directory, access: Access::Write, reporter };
    let up = Up {
        opened: open::from_settings(settings, place)?,
        desired: open::desired(settings),
        directories: Directories::from(settings),
        settings,
    };
    up.run(started).await
}

/// What `up` would change, without changing anything.
///
/// # Errors
/// Those of `up` that can be known beforehand.
pub async fn plan(settings: &Settings) -> Result<Plan> {
    let directory = StateDirectory::new(&settings.state_dir.value);
    let place = Place { directory, access: Access::Read, reporter: Arc::new(Silent) };
    let opened = open::from_settings(settings, place)?;
    let state = opened.session.network_state()?;
    let mut plan = opened.network.plan(&open::desired(settings)).await?;
    let (directories, firewall) = (Directories::from(settings), &mut FirewallSeen::default());
    plan.changes.extend(pod_network::plan(&state, &directories, None, firewall).await?);
    Ok(plan)
}

struct Up<'a> {
    opened: open::Opened,
    desired: Desired,
    directories: Directories,
    settings: &'a Settings,
}

impl Up<'_> {
    async fn run(&self, started: Instant) -> Result<UpReport> {
        let session = &self.opened.session;
        let guessed = self.settings.guesses_services();
        let established = establish(&self.opened, &self.directories, guessed).await?;
        let Established { observed, just_enrolled, warnings } = established;
        let Seen { observed, verdict } = self.prove(observed, just_enrolled).await?;
        let status = telling::status(session, observed, verdict.map(Proof::now), warnings)?;
        let wanted = self.settings.wait.value;
        Ok(UpReport { status, changes: session.changes(), wanted, took: started.elapsed() })
    }
}
