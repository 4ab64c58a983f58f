//! The pod network's part of this machine's firewall: a table of ours, and a chain of ours in
//! the tables of others that drop by default.

mod ruleset;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use linux::Family;
use linux::monitor::FirewallChange;
use linux::nftables::{Chain, Table};
use provider_api::{Change, Observed, Result};

use super::kernel;
use crate::host::{Kinship, NetworkState, Own, Session, kinship};
use ruleset::{NODES, Ruleset, guest, table};

const TRANSLATES: &str = "with this node's address where they leave the cluster";
const PASSES: &str = "which it drops where none of its rules decides";

/// How long a firewall that nobody was seen to touch is taken to be as it was: iptables-legacy
/// tells nobody.
const TRUSTED: Duration = Duration::from_secs(55);

/// The firewall as it was last seen, where it was as wanted: listing it is slow.
#[derive(Debug, Default)]
pub(in crate::host) struct FirewallSeen(Option<(Wanted, Instant)>);

/// What the firewall is to be.
#[derive(Debug)]
struct Wanted {
    ruleset: Ruleset,
    /// The addresses of nodes that it is to know. It may know more: those that were nodes.
    nodes: BTreeSet<IpAddr>,
}

impl FirewallSeen {
    /// What `ensure` would change. Nothing where there is no `nft`: what that means is told as a
    /// finding.
    pub(super) async fn plan(
        &mut self,
        state: &NetworkState,
        observed: Option<&Observed>,
    ) -> Result<Vec<Change>> {
        let Some(wanted) = Wanted::of(state, observed) else { return Ok(Vec::new()) };
        if self.shows(&wanted) {
            return Ok(Vec::new());
        }
        let changes = or_none(wanted.changes().await)?.unwrap_or_default();
        self.0 = changes.is_empty().then(|| (wanted, Instant::now()));
        Ok(changes)
    }

    fn shows(&self, wanted: &Wanted) -> bool {
        self.0.as_ref().is_some_and(|(seen, at)| {
            at.elapsed() < TRUSTED
                && seen.ruleset == wanted.ruleset
                && seen.nodes.is_superset(&wanted.nodes)
        })
    }
}

/// What the names of tables and chains begin with whose owners write there all day, and that
/// decide nothing about us: the counters of the proof, kube-proxy at every change of a service,
/// network policies and CNIs at every pod.
const BUSY_TABLES: [&str; 2] = ["moorline_proof_", "kube-proxy"];
const BUSY_CHAINS: [&str; 5] = ["KUBE-", "cali", "CILIUM_", "CNI-", "DOCKER"];

/// Whether what happened to nftables may have to do with us, or with a provider of ours.
pub(in crate::host) fn concerns(change: &FirewallChange) -> bool {
    let begins = |name: &str, all: &[&str]| all.iter().any(|start| name.starts_with(start));
    let mut chains = change.chains.iter().filter(|chain| !begins(&chain.table, &BUSY_TABLES));
    let mut tables = change.tables.iter().filter(|table| !begins(&table.name, &BUSY_TABLES));
    let has_chain = |table: &Table| {
        change.chains.iter().any(|of| (&of.family, &of.table) == (&table.family, &table.name))
    };
    chains.any(|chain| !begins(&chain.name, &BUSY_CHAINS))
        || tables.any(|table| change.base_chain || !has_chain(table))
}

/// Makes the firewall let pods through; changes only what differs.
pub(super) async fn ensure(session: &Session, observed: Option<&Observed>) -> Result<()> {
    let written = match Wanted::of(&session.network_state()?, observed) {
        Some(wanted) => wanted.write().await,
        None => clear().await,
    };
    or_none(written)?.into_iter().flatten().for_each(|change| session.note(change));
    Ok(())
}

/// Takes all of it away.
pub(super) async fn remove(session: &Session) -> Result<()> {
    sweep().await?.into_iter().for_each(|change| session.note(change));
    Ok(())
}

/// Takes all of it away, and tells what there was.
pub(super) async fn sweep() -> Result<Vec<Change>> {
    Ok(or_none(clear().await)?.unwrap_or_default())
}

impl Wanted {
    /// None for a member without pods. Nodes are added where somebody says who they are.
    fn of(state: &NetworkState, observed: Option<&Observed>) -> Option<Self> {
        let membership = state.membership.as_ref();
        let ruleset = Ruleset {
            interface: membership.map(|membership| membership.interface.clone()),
            pod_cidrs: state.desired.pod_cidrs.clone(),
            cluster_cidrs: state.desired.cluster_cidrs.clone(),
            service_cidrs: state.service_cidrs.clone(),
        };
        let nodes = observed.map(|observed| nodes(state, observed)).unwrap_or_default();
        (!ruleset.pod_cidrs.is_empty()).then_some(Wanted { ruleset, nodes })
    }

    async fn changes(&self) -> linux::Result<Vec<Change>> {
        let mut changes = match table().holds(&self.ruleset.body()).await? {
            true => self.new_nodes().await?.iter().map(knows).collect(),
            false => vec![translates()],
        };
        let closed = guest(&self.ruleset.pod_cidrs).closed().await?;
        changes.extend(closed.iter().map(|one| passes(&one.chain)));
        Ok(changes)
    }

    async fn write(&self) -> linux::Result<Vec<Change>> {
        let written = table().ensure(&self.ruleset.body()).await?;
        let new = self.new_nodes().await?;
        for (family, set) in NODES {
            let of_family = new.iter().filter(|node| Family::from(**node) == family);
            let addresses: Vec<IpAddr> = of_family.copied().collect();
            if !addresses.is_empty() {
                table().add_addresses(set, &addresses).await?;
            }
        }
        let mut changes = match written {
            true => vec![translates()],
            false => new.iter().map(knows).collect(),
        };
        changes.extend(self.enter().await?);
        Ok(changes)
    }

    async fn enter(&self) -> linux::Result<Vec<Change>> {
        let guest = guest(&self.ruleset.pod_cidrs);
        let mut changes = Vec::new();
        for closed in guest.closed().await? {
            guest.enter(&closed).await?;
            changes.push(passes(&closed.chain));
        }
        Ok(changes)
    }

    async fn new_nodes(&self) -> linux::Result<Vec<IpAddr>> {
        let mut known = BTreeSet::new();
        for (_, set) in NODES {
            known.extend(table().addresses(set).await?);
        }
        Ok(self.nodes.difference(&known).copied().collect())
    }
}

async fn clear() -> linux::Result<Vec<Change>> {
    let was_there = table().remove().await?;
    let left = guest(&[]).remove().await?;
    let taken = was_there.then(translates).into_iter().chain(left.iter().map(passes));
    Ok(taken.map(undone).collect())
}

/// The addresses of peers that are nodes of this cluster, or may be.
fn nodes(state: &NetworkState, observed: &Observed) -> BTreeSet<IpAddr> {
    let own = Own::of(state, observed);
    let is_node = |kinship| matches!(kinship, Kinship::Node | Kinship::Unknown);
    let nodes = observed.peers.iter().filter(|peer| is_node(kinship(peer, own)));
    nodes.flat_map(|node| node.addresses.iter().copied()).collect()
}

fn translates() -> Change {
    change(format!("nftables table {}", table()), TRANSLATES)
}

fn knows(node: &IpAddr) -> Change {
    let to = "reached under pods' own addresses".to_owned();
    Change { subject: format!("node {node}"), from: String::new(), to, why: String::new() }
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

/// None where there is no `nft`.
fn or_none<T>(done: linux::Result<T>) -> Result<Option<T>> {
    match done {
        Err(error) if error.is_missing_program() => Ok(None),
        other => other.map(Some).map_err(kernel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(table: &str, chain: &str, base_chain: bool) -> FirewallChange {
        let [family, table, name] = ["ip", table, chain].map(str::to_owned);
        FirewallChange {
            program: None,
            tables: BTreeSet::from([Table { family: family.clone(), name: table.clone() }]),
            chains: BTreeSet::from([Chain { family, table, name }]),
            base_chain,
        }
    }

    #[test]
    fn what_others_do_for_themselves_is_none_of_our_business() {
        for (table, chain, base_chain) in [
            ("nat", "KUBE-SERVICES", false),
            ("filter", "KUBE-FORWARD", false),
            ("filter", "KUBE-POD-FW-3ZCXT", false),
            ("kube-proxy", "services", false),
            ("kube-proxy", "filter-forward", true),
            ("moorline_proof_4711", "early", true),
        ] {
            assert!(!concerns(&change(table, chain, base_chain)), "{table} {chain}");
        }
        for (table, chain, base_chain) in [
            ("filter", "FORWARD", false),
            ("filter", "ts-forward", false),
            ("firewalld", "filter_FORWARD", false),
            ("filter", "MOORLINE-FORWARD", false),
            ("mine", "all", true),
        ] {
            assert!(concerns(&change(table, chain, base_chain)), "{table} {chain}");
        }
        for table in [table(), Table::inet("moorline-tailscale")] {
            let gone = FirewallChange { tables: [table].into(), ..FirewallChange::default() };
            assert!(concerns(&gone), "{gone:?}");
        }
    }
}
