//! Opens the network that a command works on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provider_api::{Desired, Error, Manifest, Network, NetworkName, Result, RouteMode};

use crate::host::session::{Memory, Place, Session};
use crate::host::{NetworkState, State};
use crate::providers;
use crate::settings::{Origin, SecretRef, Settings};

/// A network that is open, with everything a command needs around it.
pub(super) struct Opened {
    /// State, callbacks, progress.
    pub session: Arc<Session>,
    /// The network itself.
    pub network: Box<dyn Network>,
    /// What its provider takes.
    pub manifest: Manifest,
}

/// Opens the network that the settings ask for. A node that is a member goes on wanting what it
/// wanted, as far as the state file says, until [`Session::accept`].
///
/// # Errors
/// Those of the provider's parsing; a network of another provider that this node is still in.
pub(super) fn from_settings(settings: &Settings, place: Place) -> Result<Opened> {
    let mut state = place.directory.load()?;
    let stored = state.clone();
    let name = settings.network()?;
    only_network(&state, &name)?;
    let before = state.networks.remove(&name);
    let accepted = before.clone().filter(|before| before.membership.is_some());
    let before = before.or_else(|| state.withdrawn.remove(&name));
    state.networks.insert(name.clone(), remembered(settings, before)?);
    let secrets = settings.secrets.iter().map(|(key, said)| (key.clone(), said.value.clone()));
    open(Memory { state, accepted, stored }, name, secrets.collect(), place)
}

/// Opens the network that this node is in, as an earlier `up` left it.
///
/// # Errors
/// Where there is none.
pub(super) fn from_state(place: Place) -> Result<Opened> {
    let state = place.directory.load()?;
    joined(state.clone(), state, place)
}

/// The same, or else the network that an earlier `leave` left it enrolled in.
///
/// # Errors
/// Where there is neither.
pub(super) fn to_leave(place: Place) -> Result<Opened> {
    let stored = place.directory.load()?;
    let mut state = stored.clone();
    if state.networks.is_empty() {
        state.networks = std::mem::take(&mut state.withdrawn);
    }
    joined(state, stored, place)
}

fn joined(state: State, stored: State, place: Place) -> Result<Opened> {
    let Some((name, network)) = state.networks.iter().next() else {
        return Err(Error::settings("no-network", "this node has joined no network")
            .fix("moorline up --vpn-auth=\"name=tailscale,joinKey=file:/etc/moorline/key\""));
    };
    let name = name.clone();
    let parse = |(key, text): (&String, &String)| {
        Ok((key.clone(), SecretRef::parse(text, &Origin::file(place.directory.file()))?))
    };
    let secrets = network.secrets.iter().map(parse).collect::<Result<BTreeMap<_, _>>>()?;
    open(Memory { state, accepted: None, stored }, name, secrets, place)
}

fn open(
    memory: Memory,
    name: NetworkName,
    secrets: BTreeMap<String, SecretRef>,
    place: Place,
) -> Result<Opened> {
    let network = &memory.state.networks[&name];
    let provider = providers::find(&network.provider)?;
    let settings = network.settings.clone();
    let session = Arc::new(Session::new(memory, name, secrets, place));
    let network = provider.open(&settings, Arc::clone(&session) as Arc<_>)?;
    Ok(Opened { session, network, manifest: provider.manifest().clone() })
}

/// What the settings ask of the network.
pub(super) fn desired(settings: &Settings) -> Desired {
    let pod_cidrs = match settings.mode.value {
        RouteMode::Routed => settings.pod_cidrs.value.clone(),
        RouteMode::Underlay => Vec::new(),
    };
    Desired {
        mode: settings.mode.value,
        pod_cidrs,
        cluster_cidrs: settings.cluster_cidrs.value.clone(),
    }
}

/// What is remembered: the new settings, over what an earlier run learned and changed.
fn remembered(settings: &Settings, before: Option<NetworkState>) -> Result<NetworkState> {
    let fresh = NetworkState {
        provider: settings.provider.value.clone(),
        settings: settings.provider_settings()?,
        secrets: references(settings),
        literals: settings.literals(),
        cluster: settings.cluster.value.clone(),
        service_cidrs: settings.service_cidrs.value.clone(),
        desired: desired(settings),
        pod_bridge: settings.pod_bridge.value.clone(),
        membership: None,
        ledger: Default::default(),
        sysctls: BTreeMap::new(),
        lent: BTreeMap::new(),
        earlier_bridges: BTreeSet::new(),
        proof: None,
    };
    Ok(match before {
        None => fresh,
        Some(before) => {
            // A packet that crossed for other pods, or in another cluster, proves nothing here.
            let proof = before.proof.clone().filter(|_| before.wants_the_same(&fresh));
            let earlier_bridges = before.earlier_bridges(&fresh.pod_bridge);
            NetworkState { proof, earlier_bridges, ..fresh }.with_memory_of(before)
        }
    })
}

/// The references to secrets, as text. A literal is used once, and never written down.
fn references(settings: &Settings) -> BTreeMap<String, String> {
    let secrets = settings.secrets.iter();
    let kept = secrets.filter(|(_, said)| !matches!(said.value, SecretRef::Literal(_)));
    kept.map(|(key, said)| (key.clone(), said.value.to_string())).collect()
}

fn only_network(state: &State, name: &NetworkName) -> Result<()> {
    match state.networks.keys().find(|other| *other != name) {
        None => Ok(()),
        Some(other) => Err(Error::new(
            provider_api::ErrorKind::Conflict,
            "other-network",
            format!("this node is still in the network {other}, and {name} would be a second one"),
        )
        .fix("moorline leave")),
    }
}
