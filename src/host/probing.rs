//! Whom to probe.

mod turn;

use provider_api::{Observed, Peer, RouteMode};

use crate::host::{Directories, Kinship, NetworkState, Own, judge, kinship};
use crate::proof::{self, Between, ClusterKey, Request, Verdict};

/// Asks the peers of this cluster, all of them, and looks for the causes of silence; none where
/// this machine does not let us.
pub(super) async fn prove(
    state: &NetworkState,
    directories: &Directories,
    observed: &Observed,
) -> Option<Verdict> {
    told(proof::prove(&a_few(state, directories, observed)).await)
}

/// Asks them until one answers, and looks for no causes.
pub(super) async fn glance(
    state: &NetworkState,
    directories: &Directories,
    observed: &Observed,
) -> Option<Verdict> {
    told(proof::glance(&a_few(state, directories, observed)).await)
}

fn told(verdict: linux::Result<Verdict>) -> Option<Verdict> {
    verdict.inspect_err(|cause| tracing::warn!(%cause, "cannot probe")).ok()
}

/// Those of this cluster's nodes whose turn it is, the ones that are online first.
fn a_few(state: &NetworkState, directories: &Directories, observed: &Observed) -> Request {
    let request = request(state, directories, observed);
    let last = state.proof.as_ref().map(|proof| &proof.verdict);
    Request { peers: turn::turn(request.peers, last), ..request }
}

/// Every node of this cluster, to be asked from here.
pub(in crate::host) fn request(
    state: &NetworkState,
    directories: &Directories,
    observed: &Observed,
) -> Request {
    let between = match state.desired.mode {
        RouteMode::Routed => Between::Pods,
        RouteMode::Underlay => Between::Nodes,
    };
    Request {
        between,
        canary: (!state.desired.pod_cidrs.is_empty()).then(|| directories.canary()),
        pod_cidrs: state.desired.pod_cidrs.clone(),
        unserved: judge::unserved(observed, &state.desired.pod_cidrs),
        cluster_cidrs: state.desired.cluster_cidrs.clone(),
        pod_bridge: state.pod_bridge.clone(),
        node_addresses: observed.addresses.clone(),
        interface: observed.interface.clone(),
        mtu: observed.mtu,
        key: Some(ClusterKey::new(&state.cluster, None)),
        peers: nodes(state, observed),
    }
}

/// This cluster's nodes. Who called itself a stranger is asked again: it may have moved.
fn nodes(state: &NetworkState, observed: &Observed) -> Vec<Peer> {
    let own = Own { verdict: None, ..Own::of(state, observed) };
    let is_node = |peer: &&Peer| matches!(kinship(peer, own), Kinship::Node | Kinship::Unknown);
    observed.peers.iter().filter(is_node).cloned().collect()
}
