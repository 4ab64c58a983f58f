//! `moorline up`: join, check, apply, observe, prove, tell.

mod news;
mod waiting;

use std::sync::Arc;
use std::time::Instant;

use provider_api::{Desired, Enrolment, Finding, Membership, Observed, Plan, Result};

use crate::checks::{self, Scene};
use crate::host::session::{Access, Place};
use crate::host::{
    Directories, Facts, PATIENCE, Proof, Reporter, Silent, StateDirectory, UpReport, open,
    pod_network, takeover, telling,
};
use crate::settings::{Origin, Settings};
use waiting::Seen;

/// Joins the network, makes the desired state true, and waits for the stage that is asked for.
///
/// # Errors
/// What forbids to go on, naming who must act. A stage that is not reached in time is no
/// error: the report says why.
pub async fn up(settings: &Settings, reporter: Arc<dyn Reporter>) -> Result<UpReport> {
    let started = Instant::now();
    let directory = StateDirectory::new(&settings.state_dir.value);
    let _lock = directory.lock_within(PATIENCE).await?;
    let place = Place { directory: directory.clone(), access: Access::Write, reporter };
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
    plan.changes.extend(pod_network::plan(&state, &Directories::from(settings)).await?);
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
        let facts = Facts::gather().await?;
        self.preflight(&facts, None)?;
        let before = session.network_state()?.ledger.enrolment;
        let membership = self.opened.network.join().await?;
        let just_enrolled = before.is_none() && membership.enrolment == Enrolment::Ours;
        session.remember(|network| network.membership = Some(membership.clone()))?;
        let observed = self.opened.network.observe().await?;
        let (observed, gone) = takeover::settle(&self.opened, &self.desired, observed).await?;
        let facts = facts.renewed().await?;
        self.preflight(&facts, Some(&observed))?;
        session.accept()?;
        self.pod_network(&membership).await?;
        let mut warnings = self.preflight(&facts.renewed().await?, Some(&observed))?;
        warnings.extend(gone);
        let observed = self.apply().await?;
        let Seen { observed, verdict } = self.prove(observed, just_enrolled).await?;
        let status = telling::status(session, observed, verdict.map(Proof::now), warnings)?;
        let wanted = self.settings.wait.value;
        Ok(UpReport { status, changes: session.changes(), wanted, took: started.elapsed() })
    }

    /// Looks for what forbids to go on; the rest comes back, to be told at the end.
    fn preflight(&self, facts: &Facts, observed: Option<&Observed>) -> Result<Vec<Finding>> {
        let service_cidrs = &self.settings.service_cidrs;
        let scene = Scene {
            facts,
            desired: &self.desired,
            service_cidrs: &service_cidrs.value,
            guessed_services: service_cidrs.origin == Origin::Default,
            pod_bridge: &self.settings.pod_bridge.value,
            capabilities: &self.opened.manifest.capabilities,
            observed,
        };
        let findings = checks::preflight(&scene);
        match checks::refusal(&findings) {
            Some(error) => Err(error),
            None => Ok(findings),
        }
    }

    async fn pod_network(&self, membership: &Membership) -> Result<()> {
        let session = &self.opened.session;
        session.begin("pods", "making the pod network");
        pod_network::forward(session, &self.desired.pod_cidrs)?;
        let told = pod_network::ensure(session, &self.directories, membership.mtu).await?;
        session.done("pods", told);
        Ok(())
    }

    async fn apply(&self) -> Result<Observed> {
        let session = &self.opened.session;
        session.begin("routes", "advertising the pod CIDRs");
        let observed = self.opened.network.apply(&self.desired).await?;
        let text = match pod_network::list(&self.desired.pod_cidrs) {
            list if list.is_empty() => "no pod CIDR to advertise".to_owned(),
            list => format!("advertised {list}"),
        };
        session.done("routes", text);
        Ok(observed)
    }
}
