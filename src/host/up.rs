//! `moorline up`: join, check, apply, observe, prove, tell.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use provider_api::{
    Desired, Error, ErrorKind, Finding, Observed, Plan, Repair, Result, RouteStage, Step, StepState,
};

use crate::checks::{self, Scene};
use crate::host::session::{Access, Place};
use crate::host::{
    Directories, Facts, Reporter, Silent, Stage, StateDirectory, UpReport, judge, open,
    pod_network, probing, takeover, telling,
};
use crate::proof::{Outcome, Verdict};
use crate::settings::Settings;

/// How long to wait for the next look where nothing tells that something changed: a peer's
/// answer makes no event.
const NEXT_LOOK: Duration = Duration::from_millis(500);

/// How often to ask for news about routes of which nobody here can tell how far they are.
const ASK_ANEW: Duration = Duration::from_secs(5);

/// Joins the network, makes the desired state true, and waits for the stage that is asked for.
///
/// # Errors
/// What forbids to go on, naming who must act. A stage that is not reached in time is no
/// error: the report says why.
pub async fn up(settings: &Settings, reporter: Arc<dyn Reporter>) -> Result<UpReport> {
    let started = Instant::now();
    let directory = StateDirectory::new(&settings.state_dir.value);
    let _lock = directory.lock()?;
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
        self.preflight(None).await?;
        let membership = self.opened.network.join().await?;
        session.remember(|network| network.membership = Some(membership))?;
        let observed = self.opened.network.observe().await?;
        let (observed, gone) = takeover::settle(&self.opened, &self.desired, observed).await?;
        self.preflight(Some(&observed)).await?;
        self.pod_network(&observed).await?;
        let mut warnings = self.preflight(Some(&observed)).await?;
        warnings.extend(gone);
        let observed = self.apply().await?;
        let (observed, verdict) = self.prove(observed).await?;
        let status = telling::status(session, observed, verdict, warnings)?;
        let wanted = self.settings.wait.value;
        Ok(UpReport { status, changes: session.changes(), wanted, took: started.elapsed() })
    }

    /// Looks for what forbids to go on; the rest comes back, to be told at the end.
    async fn preflight(&self, observed: Option<&Observed>) -> Result<Vec<Finding>> {
        let facts = Facts::gather().await?;
        let scene = Scene {
            facts: &facts,
            desired: &self.desired,
            service_cidrs: &self.settings.service_cidrs.value,
            pod_bridge: &self.settings.pod_bridge.value,
            capabilities: &self.opened.manifest.capabilities,
            observed,
        };
        let findings = checks::preflight(&scene);
        match checks::blocker(&findings) {
            Some(finding) => Err(refusal(finding)),
            None => Ok(findings),
        }
    }

    async fn pod_network(&self, observed: &Observed) -> Result<()> {
        let session = &self.opened.session;
        session.begin("pods", "making the pod network");
        pod_network::forward(session, &self.desired.pod_cidrs)?;
        let told = pod_network::ensure(session, &self.directories, observed.mtu).await?;
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

    /// Observes and probes until the wanted stage is reached or its time is over.
    async fn prove(&self, mut observed: Observed) -> Result<(Observed, Option<Verdict>)> {
        let deadline = Instant::now() + self.settings.wait_for.value;
        let wanted = self.settings.wait.value.unwrap_or(Stage::Joined);
        let mut events = self.opened.network.events();
        let mut asked = Instant::now();
        self.opened.session.begin("proof", format!("waiting to be {wanted}"));
        loop {
            let verdict = self.glance(&mut observed).await?;
            let stage = judge::stage_of(&observed, &self.desired.pod_cidrs, verdict.as_ref());
            if stage >= wanted {
                self.opened.session.done("proof", stage.word());
                return Ok((observed, verdict));
            }
            if Instant::now() >= deadline {
                return self.look_closer().await;
            }
            self.tell_wait(&observed, verdict.as_ref());
            let _changed = tokio::time::timeout(NEXT_LOOK, events.next()).await;
            let is_unclear = judge::is_unclear(&observed, &self.desired.pod_cidrs);
            if is_unclear && asked.elapsed() >= ASK_ANEW {
                self.opened.network.repair(Repair::Refresh).await?;
                asked = Instant::now();
            }
            observed = self.opened.network.observe().await?;
        }
    }

    /// Probes only where the stage that is waited for needs it.
    async fn glance(&self, observed: &mut Observed) -> Result<Option<Verdict>> {
        if self.settings.wait.value.is_none_or(|wanted| wanted < Stage::Served) {
            return Ok(None);
        }
        let state = self.opened.session.network_state()?;
        let verdict = probing::glance(&state, &self.directories, observed).await;
        if let Some(verdict) = &verdict {
            judge::believe_packets(observed, &self.desired.pod_cidrs, verdict);
        }
        Ok(verdict)
    }

    /// The time is over: looks for the causes, at the control server and here. What the one
    /// answers shows in what is observed then.
    async fn look_closer(&self) -> Result<(Observed, Option<Verdict>)> {
        let state = self.opened.session.network_state()?;
        let told = self.opened.network.diagnose().await;
        let mut observed = self.opened.network.observe().await?;
        let verdict = probing::prove(&state, &self.directories, &observed).await;
        if let Some(verdict) = &verdict {
            judge::believe_packets(&mut observed, &self.desired.pod_cidrs, verdict);
        }
        observed.findings.extend(told);
        Ok((observed, verdict))
    }

    fn tell_wait(&self, observed: &Observed, verdict: Option<&Verdict>) {
        let state = match waiting_for(observed, &self.desired) {
            Some(reason) => StepState::Pending { reason, url: None },
            None => StepState::Running,
        };
        let text = match verdict.map(|verdict| verdict.outcome) {
            Some(Outcome::Unproven) => "waiting for an answer from another node's pod network",
            Some(Outcome::Proven | Outcome::Alone | Outcome::Unknown) | None => {
                "waiting for the routes to be served"
            }
        };
        self.opened.session.tell(Step { id: "proof".into(), text: text.into(), state });
    }
}

/// Who must act before the routes are served, where that is for certain somebody.
fn waiting_for(observed: &Observed, desired: &Desired) -> Option<String> {
    let ours = |prefix| desired.pod_cidrs.contains(prefix);
    observed.routes.iter().filter(|route| ours(&route.prefix)).find_map(|route| match route.stage {
        RouteStage::Unapproved => Some(format!("{} needs approval", route.prefix)),
        RouteStage::Hidden => Some(format!("policy hides {} from every peer", route.prefix)),
        RouteStage::Withheld => {
            Some(format!("{} needs approval, or policy hides it", route.prefix))
        }
        RouteStage::Advertised | RouteStage::Standby | RouteStage::Served => None,
    })
}

/// A finding that forbids to go on, as the error that it is.
fn refusal(finding: &Finding) -> Error {
    let error = Error::new(ErrorKind::Conflict, finding.code.clone(), finding.what.clone());
    match &finding.fix {
        Some(fix) => error.fix(fix.clone()),
        None => error,
    }
}
