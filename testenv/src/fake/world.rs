//! The daemon, the control server and the peers of a fake VPN: all that outlives a network.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use ipnet::IpNet;
use provider_api::{Control, Error, Event, Finding, Peer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::file::{Locked, WorldFile};
use crate::lab::lock;

/// How many events may wait for a slow listener.
const BACKLOG: usize = 64;

/// A world to be scripted. Clones are the same world.
#[derive(Clone)]
pub struct FakeWorld(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    events: broadcast::Sender<Event>,
    file: Option<WorldFile>,
}

/// What the daemon and the server hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) daemon: bool,
    pub(super) enrolled: bool,
    pub(super) settings: BTreeMap<String, Value>,
    pub(super) routes: BTreeSet<IpNet>,
    pub(super) approval: Approval,
    pub(super) approved: BTreeSet<IpNet>,
    pub(super) key: KeyFate,
    pub(super) control: Control,
    pub(super) peers: Vec<Peer>,
    pub(super) findings: Vec<Finding>,
    failures: VecDeque<(Call, Error)>,
}

/// What the control server does with a route that a node offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Approval {
    /// It is served at once.
    Automatic,
    /// It waits for [`FakeWorld::approve`].
    ByHand,
    /// It is approved, and hidden from every peer.
    Hidden,
}

/// What the control server says to the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyFate {
    /// Welcome, if it is [`JOIN_KEY`](super::JOIN_KEY).
    Good,
    /// It is over.
    Expired,
    /// Somebody else joined with it.
    UsedUp,
}

/// A call of the contract that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// `plan`
    Plan,
    /// `join`
    Join,
    /// `apply`
    Apply,
    /// `observe`
    Observe,
    /// `repair`
    Repair,
    /// `leave`
    Leave,
}

/// The state while it is looked at or changed: nobody else does, in any process.
pub(super) struct Held<'a> {
    state: MutexGuard<'a, State>,
    file: Option<Locked>,
    touched: bool,
}

impl Deref for Held<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.touched = true;
        &mut self.state
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.file.as_mut().filter(|_| self.touched) {
            file.write(&*self.state);
        }
    }
}

impl Default for State {
    fn default() -> Self {
        State {
            daemon: true,
            enrolled: false,
            settings: defaults(),
            routes: BTreeSet::new(),
            approval: Approval::Automatic,
            approved: BTreeSet::new(),
            key: KeyFate::Good,
            control: Control::Connected,
            peers: Vec::new(),
            findings: Vec::new(),
            failures: VecDeque::new(),
        }
    }
}

impl Default for FakeWorld {
    fn default() -> Self {
        FakeWorld::with(None)
    }
}

/// The settings of a daemon that nobody touched.
pub(super) fn defaults() -> BTreeMap<String, Value> {
    [("accept-routes", json!(false)), ("translate", json!(true)), ("name", json!("node"))]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
}

impl FakeWorld {
    /// A world that is kept in this file: the same one for every process that has it, and after
    /// each of them.
    pub fn kept_in(file: &Path) -> Self {
        FakeWorld::with(Some(WorldFile::new(file)))
    }

    fn with(file: Option<WorldFile>) -> Self {
        let (events, _) = broadcast::channel(BACKLOG);
        FakeWorld(Arc::new(Inner { state: Mutex::default(), events, file }))
    }

    /// Enrols the node as an administrator does, with these routes and settings of theirs.
    pub fn enrol_by_hand(&self, routes: &[IpNet], settings: &[(&str, Value)]) {
        self.change(|state| {
            state.enrolled = true;
            state.routes.extend(routes);
            state.approved.extend(routes);
            state
                .settings
                .extend(settings.iter().map(|(key, value)| ((*key).into(), value.clone())));
        });
    }

    /// From now on the server treats offered routes so.
    pub fn approval(&self, approval: Approval) {
        self.change(|state| state.approval = approval);
    }

    /// Approves one route that waits.
    pub fn approve(&self, route: IpNet) {
        self.change(|state| {
            state.approved.insert(route);
        });
    }

    /// Takes back one route that the node offers, as an administrator on it does.
    pub fn withdraw(&self, route: IpNet) {
        self.change(|state| {
            state.routes.remove(&route);
        });
    }

    /// From now on the server says this to the key.
    pub fn key(&self, fate: KeyFate) {
        self.change(|state| state.key = fate);
    }

    /// Adds a peer, or replaces the one of the same id.
    pub fn peer(&self, peer: Peer) {
        self.change(|state| {
            state.peers.retain(|other| other.id != peer.id);
            state.peers.push(peer);
        });
    }

    /// From now on these are the peers.
    pub fn peers(&self, peers: impl IntoIterator<Item = Peer>) {
        self.change(|state| state.peers = peers.into_iter().collect());
    }

    /// Takes the peer of this name away.
    pub fn remove_peer(&self, name: &str) {
        self.change(|state| state.peers.retain(|peer| peer.name != name));
    }

    /// How the node and its server stand from now on.
    pub fn control(&self, control: Control) {
        self.change(|state| state.control = control);
    }

    /// What the daemon says of itself from now on.
    pub fn findings(&self, findings: Vec<Finding>) {
        self.change(|state| state.findings = findings);
    }

    /// Takes the daemon down, or brings it back.
    pub fn daemon(&self, up: bool) {
        self.state().daemon = up;
        self.tell(if up { Event::Changed } else { Event::Gone });
    }

    /// Lets the next call of this kind fail so.
    pub fn fail(&self, call: Call, error: Error) {
        self.state().failures.push_back((call, error));
    }

    /// Whether the node is a member.
    pub fn is_enrolled(&self) -> bool {
        self.state().enrolled
    }

    /// Everything that a call could have changed.
    pub fn snapshot(&self) -> Value {
        let state = self.state();
        json!({
            "enrolled": state.enrolled,
            "settings": state.settings,
            "routes": state.routes,
        })
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Event> {
        let events = self.0.events.subscribe();
        if let Some(file) = &self.0.file {
            let world = self.clone();
            file.watch(move || world.tell_state());
        }
        events
    }

    pub(super) fn state(&self) -> Held<'_> {
        let mut state = lock(&self.0.state);
        let file = self.0.file.as_ref().map(|file| file.lock(&mut *state));
        Held { state, file, touched: false }
    }

    /// Changes the world, and tells everybody.
    pub(super) fn change(&self, how: impl FnOnce(&mut State)) {
        how(&mut self.state());
        self.tell(Event::Changed);
    }

    /// The failure that was scripted for this call, or that the absent daemon causes.
    pub(super) fn scripted(&self, call: Call) -> Result<(), Error> {
        let mut state = self.state();
        if let Some(index) = state.failures.iter().position(|(which, _)| *which == call) {
            return state.failures.remove(index).map_or(Ok(()), |(_, error)| Err(error));
        }
        if state.daemon {
            return Ok(());
        }
        Err(Error::unavailable("fake-daemon", "the fake daemon is down").fix("start faked"))
    }

    /// Tells those in this process; the others see the file change, and so do these.
    fn tell(&self, event: Event) {
        if self.0.file.is_none() {
            // Nobody need listen.
            let _ = self.0.events.send(event);
        }
    }

    /// Tells what the file says, while somebody listens.
    fn tell_state(&self) -> bool {
        let event = if self.state().daemon { Event::Changed } else { Event::Gone };
        self.0.events.send(event).is_ok()
    }
}
