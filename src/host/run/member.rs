//! The node's part in one network, kept as it is to be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use provider_api::{Error, Result};

use super::Wishes;
use super::attempts::{Attempts, failure};
use super::desk::Publisher;
use super::part::Part;
use super::policy::{Due, World, decide, grace_ends};
use super::restart::Restart;
use super::said::said;
use super::snapshot::{ServiceReport, Snapshot, What};
use super::wakes::Wakes;
use crate::fault::{self, Point};
use crate::host::open::{self, Opened};
use crate::host::session::{Access, Place};
use crate::host::supervise::Tasks;
use crate::host::{Directories, StateDirectory};

/// The longest time without a look, where nothing tells of anything.
const SLOW: Duration = Duration::from_secs(60);
/// How long until a daemon that is away is looked for again: at first, and at most.
const SOON: Duration = Duration::from_millis(200);
const LATER: Duration = Duration::from_secs(2);
/// A mend may bring the next one to light; no more of them in one pass.
const ROUNDS: usize = 3;

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
            let said = said(wishes, &opened.session.network_state()?.literals);
            member.part = Some(Part::new(opened, restart, guessed).said(said));
        }
        Ok(member)
    }

    /// Waits for news, or for the time of the next look, and makes a pass.
    pub(super) async fn cycle(&mut self, desk: &Publisher) {
        let question = self.part.as_ref().and_then(Part::next_question);
        let news = self.wakes.next(question.map_or(self.next, |due| due.min(self.next))).await;
        self.noticed = Instant::now();
        if news.is_empty() && self.noticed < self.next {
            return self.ask();
        }
        if let Some(part) = &mut self.part {
            news.into_iter().for_each(|wake| part.hear(wake));
        }
        self.pass(desk).await;
    }

    /// Somebody asks for everything to be tried now.
    pub(super) fn hurry(&mut self) {
        self.noticed = Instant::now();
        self.attempts.hurry(self.noticed);
        self.part.iter_mut().for_each(Part::hurry);
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
        if let Some(part) = &mut self.part {
            part.watch(&self.directories, &mut self.tasks);
        }
        self.ask();
        self.service.asking = self.part.as_ref().is_some_and(Part::is_asking);
        let snapshot = self.snapshot(&seen);
        self.next = self.next_look(seen.as_ref());
        fault::point(Point::Unpublished);
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
            fault::point(Point::LookedAgain);
        }
        decide(&world, &mut self.attempts, Instant::now());
        Ok(world)
    }

    async fn look(&mut self) -> Result<World> {
        match &mut self.part {
            Some(part) => part.look(&self.directories, &mut self.wakes).await,
            None => Err(Error::bug("no network to look at")),
        }
    }

    async fn act(&mut self, due: Due, desk: &Publisher) {
        let Some(part) = &mut self.part else { return };
        let done = part.act(&due.act, &self.directories).await;
        let now = Instant::now();
        match done {
            Ok(()) => {
                due.subjects.iter().for_each(|subject| self.attempts.mended(subject, now));
                for subject in due.subjects.iter().filter(|subject| subject.was_broken()) {
                    *self.service.repairs.entry(subject.to_string()).or_default() += 1;
                    let took = now.saturating_duration_since(self.noticed);
                    desk.tell(What::Mended { subject: subject.to_string(), took });
                }
                part.ask_everybody();
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
        let own = self.part.as_ref().and_then(|part| part.due(now)).map(|due| due.max(now + SOON));
        let retry = self.attempts.next_due().map(|due| due.max(now + SOON));
        [away, own, retry].into_iter().flatten().fold(now + SLOW, Instant::min)
    }

    /// Asks the nodes whose turn it is.
    fn ask(&mut self) {
        if let Some(part) = &mut self.part {
            part.ask(&mut self.tasks, self.wakes.probed());
        }
    }

    fn snapshot(&self, seen: &Option<Result<World>>) -> Snapshot {
        let mut findings = self.attempts.findings();
        let status = match (&self.part, seen) {
            (Some(part), Some(Ok(world))) => {
                let told = part.status(world, std::mem::take(&mut findings), &self.directories);
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
