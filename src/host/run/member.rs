//! The node's part in one network, kept as it is to be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use provider_api::{Control, Error, Finding, Observed, Repair, Result};

use super::attempts::{Attempts, failure};
use super::desk::{Publisher, ServiceReport, Snapshot, What};
use super::policy::{Act, Due, World, decide, grace_ends};
use super::restart::Restart;
use super::wakes::{Wake, Wakes};
use super::{Wishes, look};
use crate::host::establish::{Check, Established, advertise, establish, make_pod_network};
use crate::host::open::{self, Opened};
use crate::host::pod_network::FirewallSeen;
use crate::host::session::{Access, Place};
use crate::host::supervise::Tasks;
use crate::host::{
    Directories, Facts, Proof, StateDirectory, StatusReport, judge, probing, telling,
};

/// The longest time without a look, where nothing tells of anything.
const SLOW: Duration = Duration::from_secs(60);
/// How long until a daemon that is away is looked for again: at first, and at most.
const SOON: Duration = Duration::from_millis(200);
const LATER: Duration = Duration::from_secs(2);
/// How often the other nodes are asked.
const PROBE: Duration = Duration::from_secs(15);
/// A mend may bring the next one to light; no more of them in one pass.
const ROUNDS: usize = 3;
/// How long nothing may be known of a route before the control server is asked.
const ASK: Duration = Duration::from_secs(5);
const PROBER: &str = "probe";

/// The node's part in one network, or its waiting for one.
pub(super) struct Member {
    directories: Directories,
    part: Option<Part>,
    wakes: Wakes,
    tasks: Tasks,
    attempts: Attempts,
    service: ServiceReport,
    /// When the next look is due. A fresh member looks at once.
    next: Instant,
    noticed: Instant,
}

/// What there is once a network is open.
struct Part {
    opened: Opened,
    guessed_services: bool,
    restart: Restart,
    facts: Option<Facts>,
    firewall_changed: bool,
    firewall: FirewallSeen,
    is_listening: bool,
    away_since: Option<Instant>,
    last: Option<Observed>,
    warnings: Vec<Finding>,
    proof: Option<Proof>,
    probe_due: Instant,
    unclear_since: Option<Instant>,
}

impl Member {
    /// Opens the network that is wanted; else the one that the last `up` wanted. Does not touch
    /// it yet.
    ///
    /// # Errors
    /// Where the state cannot be read, and where the settings are wrong.
    pub(super) fn open(wishes: &Wishes, desk: &Publisher) -> Result<Self> {
        let now = Instant::now();
        let mut member = Member {
            directories: wishes.directories.clone(),
            part: None,
            wakes: Wakes::new(),
            tasks: Tasks::default(),
            attempts: Attempts::default(),
            service: desk.service(),
            next: now,
            noticed: now,
        };
        if let Some(opened) = open_network(wishes, desk)? {
            member.wakes.listen_to_kernel(&opened.manifest)?;
            let restart = Restart::of(wishes.restart.as_deref(), &opened.manifest);
            let guessed = wishes.settings.as_ref().is_none_or(|said| said.guesses_services());
            member.part = Some(Part::new(opened, restart, guessed, now));
        }
        Ok(member)
    }

    /// Waits for news, or for the time of the next look, and makes a pass.
    pub(super) async fn cycle(&mut self, desk: &Publisher) {
        let news = self.wakes.next(self.next).await;
        self.noticed = Instant::now();
        for wake in news {
            self.hear(wake);
        }
        self.pass(desk).await;
    }

    /// Somebody asks for everything to be tried now.
    pub(super) fn hurry(&mut self) {
        self.attempts.hurry(Instant::now());
        self.noticed = Instant::now();
        if let Some(part) = &mut self.part {
            part.forget_firewall();
            part.probe_due = Instant::now();
        }
    }

    fn hear(&mut self, wake: Wake) {
        let Some(part) = &mut self.part else { return };
        match wake {
            Wake::Network | Wake::Kernel => {}
            Wake::Gone => part.is_listening = false,
            Wake::Firewall => part.forget_firewall(),
            Wake::Probed(verdict) => part.proof = verdict.map(Proof::now),
        }
    }

    /// Looks, mends, looks again, and tells.
    pub(super) async fn pass(&mut self, desk: &Publisher) -> Arc<Snapshot> {
        let started = Instant::now();
        let seen = match &mut self.part {
            None => None,
            Some(_) => Some(self.mend(desk).await),
        };
        self.service.passes += 1;
        self.service.last_pass = started.elapsed();
        self.service.all_passes += started.elapsed();
        let snapshot = self.snapshot(&seen);
        self.next = self.next_look(seen.as_ref());
        if let Some(Ok(world)) = &seen {
            self.probe(world);
        }
        desk.publish(snapshot)
    }

    /// Does what is due, until nothing is.
    async fn mend(&mut self, desk: &Publisher) -> Result<World> {
        let mut world = self.look().await?;
        for _ in 0..ROUNDS {
            let due = decide(&world, &mut self.attempts, Instant::now());
            if due.is_empty() {
                break;
            }
            for one in due {
                self.act(one, desk).await;
            }
            world = self.look().await?;
        }
        decide(&world, &mut self.attempts, Instant::now());
        Ok(world)
    }

    async fn look(&mut self) -> Result<World> {
        let Some(part) = &mut self.part else { return Err(Error::bug("no network to look at")) };
        let mut world = part.look(&self.directories).await?;
        if world.network.is_ok() && !part.is_listening {
            // What happened between the look and the first event would be missed.
            self.wakes.listen(&*part.opened.network);
            part.is_listening = true;
            world = part.look(&self.directories).await?;
        }
        part.take_in(&mut world).await?;
        Ok(world)
    }

    async fn act(&mut self, due: Due, desk: &Publisher) {
        let Some(part) = &mut self.part else { return };
        let done = part.act(&due.act, &self.directories).await;
        let now = Instant::now();
        match done {
            Ok(()) => {
                for subject in &due.subjects {
                    self.attempts.mended(subject, now);
                    *self.service.repairs.entry(subject.to_string()).or_default() += 1;
                    let took = now.saturating_duration_since(self.noticed);
                    desk.tell(What::Mended { subject: subject.to_string(), took });
                }
                part.probe_due = now;
            }
            Err(error) => {
                self.service.errors += 1;
                for subject in &due.subjects {
                    self.attempts.failed(subject, error.clone(), now);
                }
            }
        }
    }

    fn next_look(&self, seen: Option<&Result<World>>) -> Instant {
        let now = Instant::now();
        let away = match seen {
            Some(Ok(world)) => world.away_since.map(|since| {
                let wait = now.saturating_duration_since(since).clamp(SOON, LATER);
                grace_ends(world).filter(|end| *end > now).unwrap_or(now + wait).min(now + wait)
            }),
            Some(Err(_)) => Some(now + LATER),
            None => None,
        };
        let probe = self.part.as_ref().map(|part| part.probe_due.max(now + SOON));
        let unclear = self.part.as_ref().and_then(|part| part.unclear_since);
        let ask = unclear.map(|since| since + ASK).filter(|due| *due > now);
        let retry = self.attempts.next_due().map(|due| due.max(now + SOON));
        [away, probe, ask, retry].into_iter().flatten().fold(now + SLOW, Instant::min)
    }

    /// Asks the other nodes, in a task of its own: silence takes seconds.
    fn probe(&mut self, world: &World) {
        let Some(part) = &mut self.part else { return };
        let Ok(observed) = &world.network else { return };
        let now = Instant::now();
        if !observed.up || part.probe_due > now || self.tasks.is_running(PROBER) {
            return;
        }
        let Ok(mut state) = part.opened.session.network_state() else { return };
        state.proof = part.proof.clone();
        part.probe_due = now + PROBE;
        let (directories, observed) = (self.directories.clone(), observed.clone());
        let probed = self.wakes.probed();
        self.tasks.start(PROBER, async move {
            let verdict = probing::prove(&state, &directories, &observed).await;
            drop(probed.send(verdict).await);
        });
    }

    fn snapshot(&self, seen: &Option<Result<World>>) -> Snapshot {
        let mut findings = self.attempts.findings();
        let status = match (&self.part, seen) {
            (Some(part), Some(Ok(world))) => {
                let told = part.status(world, std::mem::take(&mut findings));
                told.map_err(|error| findings.push(failure(&error))).ok()
            }
            (_, Some(Err(error))) => {
                findings.push(failure(error));
                None
            }
            (_, None) | (None, _) => None,
        };
        Snapshot { at: Timestamp::now(), service: self.service.clone(), status, findings }
    }
}

impl Part {
    fn new(opened: Opened, restart: Restart, guessed_services: bool, now: Instant) -> Self {
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
            warnings: Vec::new(),
            proof: None,
            probe_due: now,
            unclear_since: None,
        }
    }

    fn forget_firewall(&mut self) {
        self.firewall_changed = true;
        self.firewall = FirewallSeen::default();
    }

    async fn look(&mut self, directories: &Directories) -> Result<World> {
        look::look(&self.opened, directories, self.away_since, &mut self.firewall).await
    }

    async fn take_in(&mut self, world: &mut World) -> Result<()> {
        self.away_since = world.away_since;
        if let Ok(observed) = &mut world.network {
            let pod_cidrs = self.opened.session.network_state()?.desired.pod_cidrs;
            if let Some(proof) = &self.proof {
                judge::believe_packets(observed, &pod_cidrs, &proof.verdict);
            }
            let is_unclear = observed.up && judge::is_unclear(observed, &pod_cidrs);
            let since = self.unclear_since.filter(|_| is_unclear);
            self.unclear_since = since.or_else(|| is_unclear.then(Instant::now));
            world.is_unclear = self.unclear_since.is_some_and(|since| since.elapsed() >= ASK);
        }
        let changed = std::mem::take(&mut self.firewall_changed);
        self.facts = Some(look::facts(self.facts.take(), changed).await?);
        match &world.network {
            Ok(observed) => self.last = Some(observed.clone()),
            Err(_) => {
                if let Some(last) = &mut self.last {
                    last.up = false;
                }
            }
        }
        Ok(())
    }

    async fn act(&mut self, act: &Act, directories: &Directories) -> Result<()> {
        let opened = &self.opened;
        match act {
            Act::Establish => {
                let Established { observed, warnings, .. } =
                    establish(opened, directories, self.guessed_services).await?;
                self.last = Some(observed);
                self.warnings = warnings;
                Ok(())
            }
            Act::Apply => advertise(opened, &opened.session.network_state()?).await.map(drop),
            Act::Pods => match opened.session.network_state()?.membership {
                Some(membership) => {
                    make_pod_network(opened, directories, &membership, self.last.as_ref()).await
                }
                None => Ok(()),
            },
            Act::Repair(Repair::Restart) => self.restart.run(&*opened.network).await,
            Act::Repair(what) => opened.network.repair(*what).await,
        }
    }

    fn status(&self, world: &World, mut findings: Vec<Finding>) -> Result<StatusReport> {
        let session = &self.opened.session;
        let state = session.network_state()?;
        let observed = self.last.clone().unwrap_or_else(unseen);
        if let Err(error) = &world.network
            && world.is_member
        {
            findings.push(failure(error));
        }
        let check =
            Check { opened: &self.opened, wanted: &state, guessed_services: self.guessed_services };
        let facts = self.facts.iter();
        findings.extend(facts.flat_map(|facts| check.findings(facts, Some(&observed))));
        let proof = self.proof.clone().filter(|_| observed.up);
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

fn open_network(wishes: &Wishes, desk: &Publisher) -> Result<Option<Opened>> {
    let directory = StateDirectory::new(&wishes.directories.state);
    let is_empty = directory.load()?.networks.is_empty();
    let place = Place { directory, access: Access::Write, reporter: desk.reporter() };
    match &wishes.settings {
        Some(settings) => open::from_settings(settings, place).map(Some),
        None if is_empty => Ok(None),
        None => open::from_state(place).map(Some),
    }
}
