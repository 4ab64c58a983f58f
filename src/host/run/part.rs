//! One open network, as the service knows it: looked at, mended, told of.

use std::time::{Duration, Instant};

use provider_api::{Control, Finding, Observed, Repair, Result};
use tokio::sync::mpsc;

use super::attempts::failure;
use super::look;
use super::policy::{Act, World};
use super::restart::Restart;
use super::wakes::{Wake, Wakes};
use super::watching::{Probed, Watching};
use crate::fault::{self, Point};
use crate::host::establish::{Check, advertise, establish, make_pod_network};
use crate::host::open::Opened;
use crate::host::pod_network::FirewallSeen;
use crate::host::supervise::Tasks;
use crate::host::{Directories, Facts, StatusReport, judge, telling, unprobed};

/// How long nothing may be known of a route, or heard of any peer, before the control server
/// is asked.
const ASK: Duration = Duration::from_secs(5);

/// One open network.
pub(super) struct Part {
    opened: Opened,
    guessed_services: bool,
    restart: Restart,
    /// What is worth knowing about the settings.
    said: Vec<Finding>,
    facts: Option<Facts>,
    firewall_changed: bool,
    firewall: FirewallSeen,
    is_listening: bool,
    away_since: Option<Instant>,
    last: Option<Observed>,
    watching: Watching,
    cannot_probe: bool,
    unclear_since: Option<Instant>,
}

impl Part {
    /// A network that nothing is known of yet.
    pub(super) fn new(opened: Opened, restart: Restart, guessed_services: bool) -> Self {
        Part {
            opened,
            guessed_services,
            restart,
            said: Vec::new(),
            facts: None,
            firewall_changed: false,
            firewall: FirewallSeen::default(),
            is_listening: false,
            away_since: None,
            last: None,
            watching: Watching::default(),
            cannot_probe: false,
            unclear_since: None,
        }
    }

    /// The same, with what is worth knowing about its settings.
    pub(super) fn said(self, said: Vec<Finding>) -> Self {
        Part { said, ..self }
    }

    /// Takes news in.
    pub(super) fn hear(&mut self, wake: Wake) {
        match wake {
            Wake::Network | Wake::Kernel => {}
            Wake::Gone => self.is_listening = false,
            Wake::Firewall => self.forget_firewall(),
            Wake::Probed(probed) => {
                self.cannot_probe = probed.is_none();
                self.watching.take_in(probed);
            }
        }
    }

    /// Somebody wants to know all of it, now.
    pub(super) fn hurry(&mut self) {
        self.forget_firewall();
        self.ask_everybody();
    }

    fn forget_firewall(&mut self) {
        self.firewall_changed = true;
        self.firewall = FirewallSeen::default();
    }

    /// Looks at everything; listens to the network from the first answer on.
    pub(super) async fn look(
        &mut self,
        directories: &Directories,
        wakes: &mut Wakes,
    ) -> Result<World> {
        let mut world = self.glance(directories).await?;
        if world.network.is_ok() && !self.is_listening {
            // What happened between the look and the first event would be missed.
            wakes.listen(&*self.opened.network);
            self.is_listening = true;
            world = self.glance(directories).await?;
        }
        self.take_in(&mut world).await?;
        Ok(world)
    }

    async fn glance(&mut self, directories: &Directories) -> Result<World> {
        look::look(&self.opened, directories, self.away_since, &mut self.firewall).await
    }

    async fn take_in(&mut self, world: &mut World) -> Result<()> {
        self.away_since = world.away_since;
        match &mut world.network {
            Ok(observed) => {
                self.judge_routes(observed)?;
                self.last = Some(observed.clone());
            }
            Err(_) => {
                self.unclear_since = None;
                self.last.iter_mut().for_each(|last| last.up = false);
            }
        }
        world.is_unclear = self.unclear_since.is_some_and(|since| since.elapsed() >= ASK);
        let changed = std::mem::take(&mut self.firewall_changed);
        self.facts = Some(look::facts(self.facts.take(), changed).await?);
        Ok(())
    }

    fn judge_routes(&mut self, observed: &mut Observed) -> Result<()> {
        let pod_cidrs = self.opened.session.network_state()?.desired.pod_cidrs;
        let mut is_cut_off = false;
        if let Some(proof) = self.watching.proof() {
            judge::believe_packets(observed, &pod_cidrs, &proof.verdict);
            is_cut_off = judge::is_cut_off(&proof.verdict);
        }
        let is_unclear = observed.up && (is_cut_off || judge::is_unclear(observed, &pod_cidrs));
        let since = self.unclear_since.filter(|_| is_unclear);
        self.unclear_since = since.or_else(|| is_unclear.then(Instant::now));
        Ok(())
    }

    /// Carries out an act, and logs what it changed.
    pub(super) async fn act(&mut self, act: &Act, directories: &Directories) -> Result<()> {
        fault::point(Point::BeforeAct);
        let done = self.carry_out(act, directories).await;
        fault::point(Point::Acted);
        for change in self.opened.session.take_changes() {
            tracing::info!(%change, "changed");
        }
        done
    }

    async fn carry_out(&mut self, act: &Act, directories: &Directories) -> Result<()> {
        let opened = &self.opened;
        let state = opened.session.network_state()?;
        match act {
            Act::Establish => establish(opened, directories, self.guessed_services).await.map(drop),
            Act::Apply => advertise(opened, &state).await.map(drop),
            Act::Pods => match state.membership {
                Some(membership) => {
                    make_pod_network(opened, directories, &membership, self.last.as_ref()).await
                }
                None => Ok(()),
            },
            Act::Repair(Repair::Restart) => self.restart.run(&*opened.network).await,
            Act::Repair(what) => opened.network.repair(*what).await,
        }
    }

    /// When time alone makes a difference.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        self.unclear_since.map(|since| since + ASK).filter(|due| *due > now)
    }

    /// Takes note of whom there is to ask, and sees to it that this node answers them.
    pub(super) fn watch(&mut self, directories: &Directories, tasks: &mut Tasks) {
        let Some(observed) = self.last.as_ref().filter(|last| last.up) else { return };
        if let Ok(state) = self.opened.session.network_state() {
            self.watching.follow(&state, directories, observed, tasks);
        }
    }

    /// Asks the nodes whose turn it is.
    pub(super) fn ask(&mut self, tasks: &mut Tasks, probed: mpsc::Sender<Probed>) {
        if self.is_up() {
            self.watching.ask(tasks, probed);
        }
    }

    /// Whether other nodes are being asked, or wait to be.
    pub(super) fn is_asking(&self) -> bool {
        self.is_up() && self.watching.is_asking()
    }

    /// Something was mended, or somebody wants to know: nobody's turn is waited for.
    pub(super) fn ask_everybody(&mut self) {
        self.watching.hurry();
    }

    /// Whose turn it is to be asked, between two looks.
    pub(super) fn next_question(&self) -> Option<Instant> {
        self.watching.next().filter(|_| self.is_up())
    }

    fn is_up(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.up)
    }

    /// How the node stands, with these findings and its own.
    pub(super) fn status(
        &self,
        world: &World,
        mut findings: Vec<Finding>,
        directories: &Directories,
    ) -> Result<StatusReport> {
        let session = &self.opened.session;
        let state = session.network_state()?;
        let observed = self.last.clone().unwrap_or_else(unseen);
        if let (true, Err(error)) = (world.is_member, &world.network) {
            findings.push(failure(error));
        }
        if self.cannot_probe {
            findings.push(unprobed::finding(&state, directories));
        }
        let check =
            Check { opened: &self.opened, wanted: &state, guessed_services: self.guessed_services };
        let facts = self.facts.iter();
        findings.extend(facts.flat_map(|facts| check.findings(facts, Some(&observed))));
        findings.extend(self.said.iter().cloned());
        let proof = self.watching.proof().filter(|_| observed.up);
        Ok(telling::report(state, session.network(), observed, proof, findings))
    }
}

/// A network that was never seen.
fn unseen() -> Observed {
    Observed {
        up: false,
        control: Control::Unknown,
        addresses: Vec::new(),
        tags: Vec::new(),
        interface: String::new(),
        mtu: 0,
        routes: Vec::new(),
        peers: Vec::new(),
        findings: Vec::new(),
        route_findings: Vec::new(),
        wants: Vec::new(),
    }
}
