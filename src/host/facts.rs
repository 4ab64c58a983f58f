//! What the machine looks like, as far as it matters to a pod network.

use std::collections::BTreeSet;

use ipnet::IpNet;
use linux::sysctl::{self, ReversePathFilter};
use linux::{Family, Netlink, nftables, rule};
use provider_api::{MarkRange, Result};

use crate::host::pod_network::kernel;

/// What the machine looks like: plain data, so that every check on it is pure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The interfaces.
    pub links: Vec<LinkFact>,
    /// Whether packets of each family are passed on from one interface to another.
    pub forwarding: Forwarding,
    /// The interfaces with strict reverse-path filtering in force.
    pub strict: BTreeSet<String>,
    /// The ip rules, both families.
    pub rules: Vec<RuleFact>,
    /// The names of the firewall chains that hold rules.
    pub chains: BTreeSet<String>,
    /// Whether the `nft` command is there; without it the firewall is unknown.
    pub nft: bool,
}

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFact {
    /// Its name.
    pub name: String,
    /// Its MTU, in bytes.
    pub mtu: u32,
    /// Whether other interfaces can hang on it, as pods' do.
    pub bridge: bool,
    /// Its addresses, each with the network that it makes local.
    pub addresses: Vec<IpNet>,
}

/// Whether packets are passed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// `net.ipv4.ip_forward`.
    pub ipv4: bool,
    /// `net.ipv6.conf.all.forwarding`.
    pub ipv6: bool,
}

/// One ip rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleFact {
    /// Its preference: lower ones are looked at first.
    pub priority: u32,
    /// The table that it leads to.
    pub table: u32,
    /// The packet mark that it looks for.
    pub mark: Option<MarkRange>,
    /// Whether Moorline made it.
    pub ours: bool,
}

impl Facts {
    /// Looks at this machine.
    ///
    /// # Errors
    /// Where the kernel does not answer. A missing `nft` is a fact, and no error.
    pub async fn gather() -> Result<Self> {
        let ruleset = nftables::ruleset().await;
        let nft = ruleset.is_ok();
        let rules = ruleset.map(|ruleset| ruleset.rules).unwrap_or_default();
        let chains = rules.into_iter().map(|rule| rule.chain).collect();
        Facts { chains, nft, ..Facts::default() }.renewed().await
    }

    /// Looks at this machine again, but for the firewall, which is slow to list.
    ///
    /// # Errors
    /// Those of [`Facts::gather`].
    pub async fn renewed(self) -> Result<Self> {
        let netlink = Netlink::open().map_err(kernel)?;
        let links = netlink.links().await.map_err(kernel)?;
        let rules = netlink.rules().await.map_err(kernel)?;
        Ok(Facts {
            forwarding: Forwarding::now()?,
            strict: links
                .iter()
                .map(|link| &link.name)
                .filter(|name| is_strict(name))
                .cloned()
                .collect(),
            links: links.into_iter().map(LinkFact::from).collect(),
            rules: rules.into_iter().map(RuleFact::from).collect(),
            chains: self.chains,
            nft: self.nft,
        })
    }

    /// Every local network with the interface that makes it local, but for single addresses
    /// and link-local ones.
    pub fn local_networks(&self) -> impl Iterator<Item = (IpNet, &LinkFact)> {
        self.links.iter().flat_map(|link| {
            let networks = link.addresses.iter().map(IpNet::trunc).filter(is_shared);
            networks.map(move |network| (network, link))
        })
    }
}

impl Forwarding {
    fn now() -> Result<Self> {
        Ok(Forwarding {
            ipv4: sysctl::forwarding(Family::Ipv4).map_err(kernel)?,
            // A kernel without IPv6 has no such setting, and forwards none.
            ipv6: sysctl::forwarding(Family::Ipv6).unwrap_or(false),
        })
    }
}

/// An interface that went away meanwhile filters nothing.
fn is_strict(interface: &str) -> bool {
    sysctl::reverse_path_filter(interface).is_ok_and(|mode| mode == ReversePathFilter::Strict)
}

impl From<linux::link::Link> for LinkFact {
    fn from(link: linux::link::Link) -> Self {
        let bridge = link.is_bridge();
        LinkFact { name: link.name, mtu: link.mtu, bridge, addresses: link.addresses }
    }
}

impl From<rule::ListedRule> for RuleFact {
    fn from(listed: rule::ListedRule) -> Self {
        RuleFact {
            priority: listed.rule.priority,
            table: listed.rule.table,
            mark: listed.mark.map(|(value, mask)| MarkRange { value, mask }),
            ours: listed.ours,
        }
    }
}

/// Whether others can be on that network, and be routed to.
fn is_shared(network: &IpNet) -> bool {
    let link_local = match network {
        IpNet::V4(network) => network.addr().is_link_local(),
        IpNet::V6(network) => network.addr().is_unicast_link_local(),
    };
    network.prefix_len() < network.max_prefix_len() && !link_local && !network.addr().is_loopback()
}
