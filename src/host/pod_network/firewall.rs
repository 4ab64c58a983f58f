//! The pod network's part of this machine's firewall: a table of ours, and a chain of ours in
//! the tables of others that drop by default.

mod ruleset;

use std::collections::BTreeSet;
use std::net::IpAddr;

use linux::nftables::Chain;
use provider_api::{Change, Observed, Result};

use super::kernel;
use crate::host::{Kinship, NetworkState, Own, Session, kinship};
use ruleset::{NODES, Ruleset, guest, table};

const TRANSLATES: &str = "with this node's address where they leave the cluster";
const PASSES: &str = "which it drops where none of its rules decides";

/// What `ensure` would change. Where nobody says who the other nodes are, those hold that are
/// in the table. Nothing where there is no `nft`: what that means is told as a finding.
pub(super) async fn plan(state: &NetworkState, observed: Option<&Observed>) -> Result<Vec<Change>> {
    unless_missing(changes(state, observed).await)
}

/// Makes the firewall let pods through; changes only what differs.
pub(super) async fn ensure(session: &Session, observed: Option<&Observed>) -> Result<()> {
    let state = session.network_state()?;
    let written = unless_missing(write(&state, observed).await)?;
    written.into_iter().for_each(|change| session.note(change));
    Ok(())
}

/// Takes all of it away.
pub(super) async fn remove(session: &Session) -> Result<()> {
    let removed = unless_missing(clear().await)?;
    removed.into_iter().for_each(|change| session.note(change));
    Ok(())
}

async fn changes(state: &NetworkState, observed: Option<&Observed>) -> linux::Result<Vec<Change>> {
    let Some(ruleset) = wanted(state, observed).await? else { return Ok(Vec::new()) };
    let holds = table().holds(&ruleset.body()).await?;
    let mut changes: Vec<Change> = (!holds).then(translates).into_iter().collect();
    let closed = guest(&ruleset.pod_cidrs).closed().await?;
    changes.extend(closed.iter().map(|one| passes(&one.chain)));
    Ok(changes)
}

async fn write(state: &NetworkState, observed: Option<&Observed>) -> linux::Result<Vec<Change>> {
    let Some(ruleset) = wanted(state, observed).await? else { return clear().await };
    let written = table().ensure(&ruleset.body()).await?;
    let mut changes: Vec<Change> = written.then(translates).into_iter().collect();
    let guest = guest(&ruleset.pod_cidrs);
    for closed in guest.closed().await? {
        match guest.enter(&closed).await {
            Ok(()) => changes.push(passes(&closed.chain)),
            // Its owner may allow nobody else in; what it drops is found by the proof.
            Err(error) => tracing::warn!(%error, "a firewall keeps pods out"),
        }
    }
    Ok(changes)
}

async fn clear() -> linux::Result<Vec<Change>> {
    let was_there = table().remove().await?;
    let left = guest(&[]).remove().await?;
    let taken = was_there.then(translates).into_iter().chain(left.iter().map(passes));
    Ok(taken.map(undone).collect())
}

/// None for a member without pods.
async fn wanted(
    state: &NetworkState,
    observed: Option<&Observed>,
) -> linux::Result<Option<Ruleset>> {
    if state.desired.pod_cidrs.is_empty() {
        return Ok(None);
    }
    let nodes = match observed {
        Some(observed) => nodes(state, observed),
        None => known_nodes().await?,
    };
    let membership = state.membership.as_ref();
    Ok(Some(Ruleset {
        interface: membership.map(|membership| membership.interface.clone()),
        pod_cidrs: state.desired.pod_cidrs.clone(),
        cluster_cidrs: state.desired.cluster_cidrs.clone(),
        service_cidrs: state.service_cidrs.clone(),
        nodes,
    }))
}

/// The addresses of peers that are nodes of this cluster, or may be.
fn nodes(state: &NetworkState, observed: &Observed) -> BTreeSet<IpAddr> {
    let own = Own::of(state, observed);
    let is_node = |kinship| matches!(kinship, Kinship::Node | Kinship::Unknown);
    let nodes = observed.peers.iter().filter(|peer| is_node(kinship(peer, own)));
    nodes.flat_map(|node| node.addresses.iter().copied()).collect()
}

async fn known_nodes() -> linux::Result<BTreeSet<IpAddr>> {
    let mut known = BTreeSet::new();
    for (_, set) in NODES {
        known.extend(table().addresses(set).await?);
    }
    Ok(known)
}

fn translates() -> Change {
    change(format!("nftables table {}", table()), TRANSLATES)
}

fn passes(chain: &Chain) -> Change {
    change(format!("nftables chain {chain}"), PASSES)
}

fn change(subject: String, why: &str) -> Change {
    Change { subject, from: String::new(), to: "lets pods through".to_owned(), why: why.to_owned() }
}

fn undone(change: Change) -> Change {
    Change { from: change.to, to: String::new(), why: String::new(), ..change }
}

fn unless_missing(done: linux::Result<Vec<Change>>) -> Result<Vec<Change>> {
    match done {
        Err(error) if error.is_missing_program() => Ok(Vec::new()),
        other => other.map_err(kernel),
    }
}
