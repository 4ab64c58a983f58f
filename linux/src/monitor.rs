//! What changes in the kernel, as it tells it: links, addresses, routes, rules, forwarding and
//! nftables. Nothing is asked again and again.

mod firewall;
pub(crate) mod message;
mod routing;
mod socket;

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use ipnet::IpNet;

use crate::error::{Cannot, Result};
use crate::family::Family;
use crate::nftables::{Chain, Table};
use socket::{Heard, Socket};

/// Something that changed, or was written again as it was. Who reacts looks at what is there
/// now: later changes may be under way already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelEvent {
    /// An interface was made, changed (up, MTU, name, bridge) or deleted.
    Link {
        /// Its index.
        index: u32,
        /// Its name.
        name: String,
        /// Whether it was deleted, or moved into another namespace.
        gone: bool,
    },
    /// An interface got, kept or lost an address.
    Address {
        /// The interface's index.
        interface: u32,
        /// The address.
        address: IpAddr,
        /// Whether it was taken away.
        gone: bool,
    },
    /// A route of one of the tables that were asked for. The kernel says nothing of IPv4
    /// routes that go with their interface when it goes down; the link says so.
    Route {
        /// Its table.
        table: u32,
        /// Where to.
        destination: IpNet,
        /// Whether it was taken away.
        gone: bool,
    },
    /// A policy routing rule.
    Rule {
        /// Its family.
        family: Family,
        /// Its priority.
        priority: u32,
        /// Whether it was taken away.
        gone: bool,
    },
    /// Forwarding or `rp_filter` of an interface, or of all.
    Forwarding {
        /// Of IPv4 or IPv6.
        family: Family,
        /// Whose.
        scope: Scope,
    },
    /// One transaction of nftables, `iptables-nft` too. `iptables-legacy` tells nothing.
    Firewall(FirewallChange),
    /// More happened than the kernel keeps for us: look at everything.
    Lost,
}

/// Whose sysctl of `net.ipv4.conf` or `net.ipv6.conf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `all`.
    All,
    /// `default`: of interfaces to come.
    Default,
    /// Of the interface with this index.
    Interface(u32),
}

/// What one transaction changed in nftables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirewallChange {
    /// The program that did it, as the kernel calls it (15 bytes of its name).
    pub program: Option<String>,
    /// The tables with a change.
    pub tables: BTreeSet<Table>,
    /// The chains that came, went or have a rule more or less.
    pub chains: BTreeSet<Chain>,
    /// Whether a base chain came, went or has another policy.
    pub base_chain: bool,
}

/// The kernel's news of the network namespace where it was opened.
#[derive(Debug)]
pub struct Monitor {
    tables: Vec<u32>,
    routing: Socket,
    /// None where the kernel has no netfilter.
    firewall: Option<Socket>,
    transaction: FirewallChange,
    heard: VecDeque<KernelEvent>,
}

impl Monitor {
    /// Starts to listen in the namespace of the calling thread, on its runtime. Of routes only
    /// those of `tables` are told: the others do not wake us.
    ///
    /// What happened before is not told: open first, then look.
    pub fn open(tables: &[u32]) -> Result<Self> {
        let routing =
            Socket::routing(tables).cannot(|| "listen to the kernel's routing news".to_owned())?;
        let firewall =
            Socket::firewall().cannot(|| "listen to the kernel's nftables news".to_owned())?;
        let (transaction, heard) = Default::default();
        Ok(Monitor { tables: tables.to_vec(), routing, firewall, transaction, heard })
    }

    /// Reads what is there, until there is an event or nothing more.
    fn listen(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Monitor { tables, routing, firewall, transaction, heard } = self;
        while heard.is_empty() {
            let mut take = |datagram: &[u8]| heard.extend(routing::events(datagram, tables));
            let mut read = routing.read(context, &mut take);
            if let (Poll::Pending, Some(firewall)) = (&read, firewall.as_mut()) {
                let mut take = |datagram: &[u8]| heard.extend(transaction.take(datagram));
                read = firewall.read(context, &mut take);
            }
            if let Heard::TooMuch = ready!(read)? {
                *transaction = FirewallChange::default();
                heard.push_back(KernelEvent::Lost);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Stream for Monitor {
    type Item = KernelEvent;

    /// Ends only where the kernel's sockets fail, which they do not in practice.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<KernelEvent>> {
        if let Err(error) = ready!(self.listen(context)) {
            tracing::warn!(%error, "listening to the kernel");
            return Poll::Ready(None);
        }
        Poll::Ready(self.heard.pop_front())
    }
}

#[cfg(test)]
mod tests;
