//! One command at work on one network: the state behind it, and the callbacks that the
//! provider has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use provider_api::{
    Change, Enrolment, Error, Host, Ledger, LedgerEntry, NetworkName, Plan, Result, Secret, Step,
};
use serde_json::{Value, json};

use crate::fault::{self, Point};
use crate::host::{NetworkState, Reporter, State, StateDirectory};
use crate::secrets;
use crate::settings::SecretRef;

/// One command at work on one network.
pub(super) struct Session {
    directory: StateDirectory,
    network: NetworkName,
    secrets: BTreeMap<String, SecretRef>,
    reporter: Arc<dyn Reporter>,
    access: Access,
    inner: Mutex<Inner>,
}

/// Where a command finds its state, and whom it tells how it gets on.
pub(super) struct Place {
    /// Where the state is.
    pub directory: StateDirectory,
    /// Whether it may write there.
    pub access: Access,
    /// Whom it tells.
    pub reporter: Arc<dyn Reporter>,
}

/// Whether a command may write to the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// It holds the lock.
    Write,
    /// It only looks: what it learns is gone with it.
    Read,
}

/// What is remembered, as a command begins.
pub(super) struct Memory {
    /// Everything, with what the command asks for.
    pub state: State,
    /// What the network's state was, where that stands until [`Session::accept`].
    pub accepted: Option<NetworkState>,
    /// What is on disk.
    pub stored: State,
}

struct Inner {
    memory: Memory,
    changes: Vec<Change>,
}

impl Session {
    /// A session on a network that is in the memory's state.
    pub(super) fn new(
        memory: Memory,
        network: NetworkName,
        secrets: BTreeMap<String, SecretRef>,
        place: Place,
    ) -> Self {
        let Place { directory, access, reporter } = place;
        let inner = Mutex::new(Inner { memory, changes: Vec::new() });
        Session { directory, network, secrets, reporter, access, inner }
    }

    /// What is remembered of the network.
    pub(super) fn network_state(&self) -> Result<NetworkState> {
        let inner = self.inner();
        let state = inner.memory.state.networks.get(&self.network);
        state.cloned().ok_or_else(|| Error::bug(format!("no state for network {}", self.network)))
    }

    /// Changes what is remembered of the network; on disk when this returns.
    pub(super) fn remember(&self, change: impl FnOnce(&mut NetworkState)) -> Result<()> {
        let mut inner = self.inner();
        if let Some(network) = inner.memory.state.networks.get_mut(&self.network) {
            change(network);
        }
        self.store(&mut inner.memory)
    }

    /// From here on the node wants what this command asks for: nothing forbids it.
    pub(super) fn accept(&self) -> Result<()> {
        let mut inner = self.inner();
        inner.memory.accepted = None;
        self.store(&mut inner.memory)
    }

    /// Forgets the network, but for an enrolment of ours that lasts, and for what the kernel's
    /// settings were.
    pub(super) fn forget(&self) -> Result<()> {
        let mut inner = self.inner();
        let State { networks, withdrawn, sysctls, .. } = &mut inner.memory.state;
        let left = networks.remove(&self.network);
        for (key, was) in left.iter().flat_map(|left| &left.sysctls) {
            sysctls.entry(key.clone()).or_insert_with(|| was.clone());
        }
        if let Some(left) = left.filter(|left| left.ledger.enrolment == Some(Enrolment::Ours)) {
            withdrawn.insert(self.network.clone(), left);
        }
        self.store(&mut inner.memory)
    }

    /// Notes a change that the host made itself.
    pub(super) fn note(&self, change: Change) {
        self.inner().changes.push(change);
    }

    /// Every change so far, in order.
    pub(super) fn changes(&self) -> Plan {
        Plan { changes: self.inner().changes.clone() }
    }

    /// Every change since this was last asked.
    pub(super) fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.inner().changes)
    }

    /// The key of the network in state.
    pub(super) fn network(&self) -> &NetworkName {
        &self.network
    }

    /// Tells of a step.
    pub(super) fn tell(&self, step: Step) {
        self.reporter.step(&step);
    }

    /// Tells that a step begins.
    pub(super) fn begin(&self, id: &str, text: impl Into<String>) {
        self.reporter.step(&Step::begin(id, text));
    }

    /// Tells that a step is done.
    pub(super) fn done(&self, id: &str, text: impl Into<String>) {
        self.reporter.step(&Step::done(id, text));
    }

    /// Whatever has nothing new to remember goes on also where nothing can be written.
    fn store(&self, memory: &mut Memory) -> Result<()> {
        let lasting = memory.lasting(&self.network);
        if self.access == Access::Write && memory.stored != lasting {
            self.directory.store(&lasting)?;
            memory.stored = lasting;
        }
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// What belongs on disk: what was learned and changed, and of the wishes those that stand.
    fn lasting(&self, network: &NetworkName) -> State {
        let mut state = self.state.clone();
        if let (Some(now), Some(accepted)) = (state.networks.get_mut(network), &self.accepted) {
            *now = accepted.clone().with_memory_of(now.clone());
        }
        state
    }
}

#[async_trait]
impl Host for Session {
    fn progress(&self, step: Step) {
        self.reporter.step(&step);
    }

    async fn ledger(&self) -> Result<Ledger> {
        self.network_state().map(|network| network.ledger)
    }

    async fn record(&self, entry: LedgerEntry) -> Result<()> {
        fault::point(Point::LedgerUnrecorded);
        let changes = told(&entry, &self.network_state()?.ledger);
        self.inner().changes.extend(changes);
        self.remember(|network| network.ledger.enter(entry))?;
        fault::point(Point::LedgerRecorded);
        Ok(())
    }

    async fn secret(&self, key: &str) -> Result<Option<Secret>> {
        let state = self.directory.path();
        self.secrets.get(key).map(|said| secrets::resolve(said, state)).transpose()
    }
}

/// A ledger entry as changes, for people; none where it changes nothing on the network.
fn told(entry: &LedgerEntry, before: &Ledger) -> Vec<Change> {
    match entry {
        LedgerEntry::Changing { name, was, made } => changes(name, was, made),
        LedgerEntry::Restored { name } => {
            let setting = before.settings.get(name);
            setting.map(|setting| changes(name, &setting.made, &setting.was)).unwrap_or_default()
        }
        LedgerEntry::Advertising(prefix) => changes("route", &Value::Null, &json!(prefix)),
        LedgerEntry::Withdrawn(prefix) => changes("route", &json!(prefix), &Value::Null),
        LedgerEntry::Enrolled { .. } | LedgerEntry::Left => Vec::new(),
    }
}

/// What comes and goes of a list, and any other value as a whole.
fn changes(subject: &str, from: &Value, to: &Value) -> Vec<Change> {
    let change = |from: String, to: String| Change {
        subject: subject.to_owned(),
        from,
        to,
        why: String::new(),
    };
    match (members(from), members(to)) {
        // What a provider keeps of a whole login is for itself alone.
        _ if from.is_object() || to.is_object() || from == to => Vec::new(),
        (Some(from), Some(to)) => {
            let gone = from.iter().filter(|member| !to.contains(member));
            let come = to.iter().filter(|member| !from.contains(member));
            let gone = gone.map(|member| change(text(member), String::new()));
            gone.chain(come.map(|member| change(String::new(), text(member)))).collect()
        }
        _ => vec![change(text(from), text(to))],
    }
}

/// The members of a list, an absent one included.
fn members(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Null => Some(&[]),
        Value::Array(members) => Some(members),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => None,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.is_empty() => "\"\"".into(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Silent;
    use crate::host::state::example::member;

    #[test]
    fn on_disk_a_node_wants_what_it_wanted_until_that_is_accepted() {
        let accepted = member(Enrolment::Adopted);
        let mut now = NetworkState { pod_bridge: "pods0".into(), ..accepted.clone() };
        now.desired.pod_cidrs.clear();
        now.sysctls.insert("net/ipv4/ip_forward".into(), "0".into());
        let network: NetworkName = "tailscale".parse().unwrap();
        let mut state = State::default();
        state.networks.insert(network.clone(), now.clone());

        let accepted_before = Some(accepted.clone());
        let mut memory = Memory { state, accepted: accepted_before, stored: State::default() };
        let lasting = memory.lasting(&network).networks.remove(&network).unwrap();
        assert_eq!(
            (&lasting.desired, &lasting.pod_bridge),
            (&accepted.desired, &accepted.pod_bridge)
        );
        assert_eq!(lasting.sysctls, now.sysctls, "what was changed is never forgotten");

        memory.accepted = None;
        assert_eq!(memory.lasting(&network).networks.remove(&network), Some(now));
    }

    #[test]
    fn what_is_on_disk_already_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let directory = StateDirectory::new(folder.path());
        let network: NetworkName = "tailscale".parse().unwrap();
        let mut state = State::default();
        state.networks.insert(network.clone(), member(Enrolment::Ours));
        directory.store(&state).unwrap();
        let memory = Memory { stored: state.clone(), state, accepted: None };
        let place = Place { directory, access: Access::Write, reporter: Arc::new(Silent) };
        let file = place.directory.file();
        let session = Session::new(memory, network, BTreeMap::new(), place);

        // Nothing can take the place of a folder with something in it.
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir_all(file.join("in the way")).unwrap();
        session.remember(|_| ()).unwrap();
        let change = |network: &mut NetworkState| network.pod_bridge = "pods0".into();
        for _ in 0..2 {
            let error = session.remember(change).unwrap_err();
            assert_eq!(error.code, "state-not-writable", "what failed is tried again");
        }
        std::fs::remove_dir_all(&file).unwrap();
        session.remember(|_| ()).unwrap();
        assert_eq!(
            session.directory.load().unwrap().networks[session.network()].pod_bridge,
            "pods0"
        );
    }

    /// What is told of a change, and of taking it back.
    fn both_ways(was: Value, made: Value) -> [Vec<String>; 2] {
        let lines = |changes: Vec<Change>| changes.iter().map(ToString::to_string).collect();
        let name = "NAME".to_owned();
        let mut ledger = Ledger::default();
        let changing = LedgerEntry::Changing { name: name.clone(), was, made };
        let there = lines(told(&changing, &ledger));
        ledger.enter(changing);
        [there, lines(told(&LedgerEntry::Restored { name }, &ledger))]
    }

    #[test]
    fn a_setting_is_told_with_both_values() {
        assert_eq!(
            both_ways(json!(false), json!(true)),
            [["~ NAME: false -> true"], ["~ NAME: true -> false"]]
        );
        assert_eq!(
            both_ways(json!(""), json!("node")),
            [["~ NAME: \"\" -> node"], ["~ NAME: node -> \"\""]]
        );
    }

    #[test]
    fn what_was_not_there_comes_and_goes() {
        assert_eq!(
            both_ways(Value::Null, json!("present")),
            [["+ NAME: present"], ["- NAME: present"]]
        );
    }

    #[test]
    fn the_members_of_a_list_come_and_go_one_by_one() {
        assert_eq!(
            both_ways(Value::Null, json!(["one", "two"])),
            [["+ NAME: one", "+ NAME: two"], ["- NAME: one", "- NAME: two"]]
        );
        assert_eq!(
            both_ways(json!(["one", "two"]), json!(["two", "three"])),
            [["- NAME: one", "+ NAME: three"], ["- NAME: three", "+ NAME: one"]]
        );
        let nothing: [Vec<String>; 2] = [vec![], vec![]];
        assert_eq!(both_ways(json!([]), Value::Null), nothing);
    }

    #[test]
    fn what_a_provider_keeps_of_a_login_is_not_told() {
        let nothing: [Vec<String>; 2] = [vec![], vec![]];
        assert_eq!(both_ways(json!({"WantRunning": true}), Value::Null), nothing);
        assert_eq!(both_ways(json!({"WantRunning": true}), json!(true)), nothing);
    }
}
