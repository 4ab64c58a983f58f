//! One command at work on one network: the state behind it, and the callbacks that the
//! provider has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use provider_api::{
    Change, Enrolment, Error, Host, Ledger, LedgerEntry, NetworkName, Plan, Result, Secret, Step,
};
use serde_json::Value;

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
        self.store(&inner.memory)
    }

    /// From here on the node wants what this command asks for: nothing forbids it.
    pub(super) fn accept(&self) -> Result<()> {
        let mut inner = self.inner();
        inner.memory.accepted = None;
        self.store(&inner.memory)
    }

    /// Forgets the network, but for an enrolment of ours that lasts.
    pub(super) fn forget(&self) -> Result<()> {
        let mut inner = self.inner();
        let State { networks, withdrawn, .. } = &mut inner.memory.state;
        let left = networks.remove(&self.network);
        if let Some(left) = left.filter(|left| left.ledger.enrolment == Some(Enrolment::Ours)) {
            withdrawn.insert(self.network.clone(), left);
        }
        self.store(&inner.memory)
    }

    /// Notes a change that the host made itself.
    pub(super) fn note(&self, change: Change) {
        self.inner().changes.push(change);
    }

    /// Every change so far, in order.
    pub(super) fn changes(&self) -> Plan {
        Plan { changes: self.inner().changes.clone() }
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

    fn store(&self, memory: &Memory) -> Result<()> {
        match self.access {
            Access::Write => self.directory.store(&memory.lasting(&self.network)),
            Access::Read => Ok(()),
        }
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
        if let Some(change) = told(&entry, &self.network_state()?.ledger) {
            self.note(change);
        }
        self.remember(|network| network.ledger.enter(entry))
    }

    async fn secret(&self, key: &str) -> Result<Option<Secret>> {
        self.secrets.get(key).map(secrets::resolve).transpose()
    }
}

/// A ledger entry as a change, for people; none where it changes nothing on the network.
fn told(entry: &LedgerEntry, before: &Ledger) -> Option<Change> {
    let change = |subject: String, from: String, to: String| {
        (from != to).then(|| Change { subject, from, to, why: String::new() })
    };
    match entry {
        // What a provider keeps of a whole login is for itself alone.
        LedgerEntry::Changing { was: Value::Object(_), .. } => None,
        LedgerEntry::Changing { name, was, made } => change(name.clone(), text(was), text(made)),
        LedgerEntry::Restored { name } => {
            let setting = before.settings.get(name)?;
            change(name.clone(), text(&setting.made), text(&setting.was))
        }
        LedgerEntry::Advertising(prefix) => {
            change("route".into(), String::new(), prefix.to_string())
        }
        LedgerEntry::Withdrawn(prefix) => change("route".into(), prefix.to_string(), String::new()),
        LedgerEntry::Enrolled { .. } | LedgerEntry::Left => None,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "unset".into(),
        Value::String(text) if text.is_empty() => "\"\"".into(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::state::example::member;
    use serde_json::json;

    #[test]
    fn on_disk_a_node_wants_what_it_wanted_until_that_is_accepted() {
        let accepted = member(Enrolment::Adopted);
        let mut now = NetworkState { pod_bridge: "pods0".into(), ..accepted.clone() };
        now.desired.pod_cidrs.clear();
        now.sysctls.insert("net/ipv4/ip_forward".into(), "0".into());
        let network: NetworkName = "tailscale".parse().unwrap();
        let mut state = State::default();
        state.networks.insert(network.clone(), now.clone());

        let mut memory = Memory { state, accepted: Some(accepted.clone()) };
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
    fn a_restored_setting_is_told_with_both_values() {
        let mut ledger = Ledger::default();
        let name = "NoSNAT".to_owned();
        ledger.enter(LedgerEntry::Changing {
            name: name.clone(),
            was: json!(false),
            made: json!(true),
        });
        let change = told(&LedgerEntry::Restored { name }, &ledger).unwrap();
        assert_eq!(change.to_string(), "~ NoSNAT: true -> false");
    }

    #[test]
    fn an_absent_value_has_a_word() {
        assert_eq!(text(&json!(null)), "unset");
        assert_eq!(text(&json!("")), "\"\"");
        assert_eq!(text(&json!(["10.42.3.0/24"])), "[\"10.42.3.0/24\"]");
    }
}
