//! One open network, as the service knows it: looked at, mended, told of.

use std::time::{Duration, Instant};

use provider_api::{Control, Finding, Observed, Repair, Result};

use super::attempts::failure;
use super::look;
use super::policy::{Act, World};
use super::restart::Restart;
use super::wakes::{Wake, Wakes};
use crate::host::establish::{Check, advertise, establish, make_pod_network};
use crate::host::open::Opened;
use crate::host::pod_network::FirewallSeen;
use crate::host::{
    Directories, Facts, NetworkState, Proof, StatusReport, judge, telling, unprobed,
};

/// How long nothing may be known of a route before the control server is asked.
const ASK: Duration = Duration::from_secs(5);
/// A provider may answer for its firewall from a look that is so old.
const FIREWALL_AGE: Duration = Duration::from_millis(1_100);

/// One open network.
pub(super) struct Part {
    /// The network.
    pub opened: Opened,
    guessed_services: bool,
    restart: Restart,
    facts: Option<Facts>,
    firewall_changed: bool,
    firewall: FirewallSeen,
    is_listening: bool,
    away_since: Option<Instant>,
    last: Option<Observed>,
    probed: Probed,
    /// When the other nodes are to be asked next.
    pub probe_due: Instant,
    unclear_since: Option<Instant>,
    look_again: Option<Instant>,
}

/// What the last probe came to.
enum Probed {
    /// There was none yet.
    Never,
    /// This machine lets nobody be asked.
    Nobody,
    /// A verdict, with its time.
    Told(Proof),
}

impl Part {
    /// A network that nothing is known of yet.
    pub(super) fn new(opened: Opened, restart: Restart, guessed_services: bool) -> Self {
        Part {
            opened,
            guessed_services,
            restart,
            facts: None,
            firewall_changed: false,
            firewall: FirewallSeen::default(),
            is_listening: false,
            away_since: None,
            last: None,
            probed: Probed::Never,
            probe_due: Instant::now(),
            unclear_since: None,
            look_again: None,
        }
    }

    /// Takes news in.
    pub(super) fn hear(&mut self, wake: Wake) {
        match wake {
            Wake::Network | Wake::Kernel => {}
            Wake::Gone => self.is_listening = false,
            Wake::Firewall => {
                self.forget_firewall();
                self.look_again = Some(Instant::now() + FIREWALL_AGE);
            }
            Wake::Probed(None) => self.probed = Probed::Nobody,
            Wake::Probed(Some(verdict)) => self.probed = Probed::Told(Proof::now(verdict)),
        }
    }

    /// Somebody wants to know all of it, now.
    pub(super) fn hurry(&mut self) {
        self.forget_firewall();
        self.probe_due = Instant::now();
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
        if let Probed::Told(proof) = &self.probed {
            judge::believe_packets(observed, &pod_cidrs, &proof.verdict);
        }
        let is_unclear = observed.up && judge::is_unclear(observed, &pod_cidrs);
        let since = self.unclear_since.filter(|_| is_unclear);
        self.unclear_since = since.or_else(|| is_unclear.then(Instant::now));
        Ok(())
    }

    /// Carries out an act, and logs what it changed.
    pub(super) async fn act(&mut self, act: &Act, directories: &Directories) -> Result<()> {
        let done = self.carry_out(act, directories).await;
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
        let ask = self.unclear_since.map(|since| since + ASK);
        let later = [ask, self.look_again].into_iter().flatten().filter(|due| *due > now);
        later.chain([self.probe_due]).min()
    }

    /// What to probe with, where the network is up and it is time.
    pub(super) fn to_probe(&self, now: Instant) -> Option<(NetworkState, Observed)> {
        let observed = self.last.clone().filter(|last| last.up && self.probe_due <= now)?;
        let mut state = self.opened.session.network_state().ok()?;
        state.proof = self.proof().cloned();
        Some((state, observed))
    }

    fn proof(&self) -> Option<&Proof> {
        match &self.probed {
            Probed::Told(proof) => Some(proof),
            Probed::Never | Probed::Nobody => None,
        }
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
        if matches!(self.probed, Probed::Nobody) {
            findings.push(unprobed::finding(&state, directories));
        }
        let check =
            Check { opened: &self.opened, wanted: &state, guessed_services: self.guessed_services };
        let facts = self.facts.iter();
        findings.extend(facts.flat_map(|facts| check.findings(facts, Some(&observed))));
        let proof = self.proof().cloned().filter(|_| observed.up);
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
