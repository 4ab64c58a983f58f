//! The canary: one pinned network namespace on the pod bridge, which the kernel answers for.

mod told;
mod traces;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use linux::link::{self, Bridge, Cable, CableEnd, Link, LinkChange};
use linux::{Error, Family, Namespace, Netlink, Result, icmp, sysctl};
use provider_api::Change;

pub use told::causes;
pub use traces::{own_bridges, pods_on, remove_bridge, take_off};

use super::addresses::{canary, gateway};
use super::counters;

/// What is written on our bridge (`ip link show` calls it alias). A bridge without it is
/// somebody else's.
const ALIAS: &str = "moorline";
/// The canary's cable, where it hangs on the bridge. As long as a name can be.
const CABLE: &str = "moorline-canary";
const INSIDE: &str = "eth0";
/// How long a neighbour on the own bridge may take to answer.
const NEIGHBOUR: Duration = Duration::from_millis(300);

/// The canary of this node, as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// The bridge that it hangs on. Where another bridge has an address inside a pod CIDR,
    /// that one is used, and nothing of it is changed but a missing gateway address.
    pub bridge: String,
    /// The pod CIDRs that it has an address of.
    pub pod_cidrs: Vec<IpNet>,
    /// What the network carries, in bytes.
    pub mtu: u32,
    /// Where its namespace is pinned.
    pub namespace: PathBuf,
}

impl Canary {
    /// What [`Canary::ensure`] would change.
    pub async fn plan(&self) -> Result<Vec<Change>> {
        if self.pod_cidrs.is_empty() {
            return self.planned_removal().await;
        }
        let netlink = Netlink::open()?;
        let links = netlink.links().await?;
        let bridge = self.bridge(&links)?;
        let on_bridge = bridge.changes(&links)?;
        let cable = self.cable(&bridge, &links)?;
        let mut changes: Vec<Change> = on_bridge.iter().map(told::change).collect();
        if !Namespace::is_pinned(&self.namespace) {
            changes.push(told::namespace_made(&self.namespace));
        }
        let on_cable = netlink.cable_changes(&cable).await?;
        changes.extend(on_cable.iter().map(|(side, change)| told::on_cable(*side, change)));
        Ok(changes)
    }

    /// The bridge that it hangs on, or is to hang on.
    pub async fn seat(&self) -> Result<String> {
        let links = Netlink::open()?.links().await?;
        Ok(self.adopted(&links).map_or_else(|| self.bridge.clone(), |link| link.name.clone()))
    }

    /// Makes it so, and tells what was changed. Without pod CIDRs there is to be no canary.
    ///
    /// # Errors
    /// A pod CIDR that is too small; the bridge's name on an interface of another kind;
    /// somebody else at the canary's address.
    pub async fn ensure(&self) -> Result<Vec<Change>> {
        if self.pod_cidrs.is_empty() {
            return self.remove().await;
        }
        let changes = self.plan().await?;
        if changes.is_empty() {
            return Ok(changes);
        }
        let netlink = Netlink::open()?;
        let links = netlink.links().await?;
        let bridge = self.bridge(&links)?;
        let cable = self.cable(&bridge, &links)?;
        netlink.ensure_bridge(&bridge).await?;
        self.check_addresses_are_free(&links, &cable).await?;
        Namespace::pinned(&self.namespace)?.run(hear_at_once)?;
        netlink.ensure_cable(&cable).await?;
        Ok(changes)
    }

    /// Removes what Moorline made, and tells what that was: the canary, and the bridge where
    /// it is ours and nothing else hangs on it.
    pub async fn remove(&self) -> Result<Vec<Change>> {
        let changes = self.planned_removal().await?;
        let netlink = Netlink::open()?;
        netlink.apply_all(&self.deletions(&netlink.links().await?)).await?;
        Namespace::remove(&self.namespace)?;
        counters::sweep().await?;
        Ok(changes)
    }

    async fn planned_removal(&self) -> Result<Vec<Change>> {
        let links = Netlink::open()?.links().await?;
        let mut changes: Vec<Change> = self.deletions(&links).iter().map(told::change).collect();
        if Namespace::is_pinned(&self.namespace) {
            changes.push(told::namespace_removed(&self.namespace));
        }
        Ok(changes)
    }

    fn deletions(&self, links: &[Link]) -> Vec<LinkChange> {
        let delete = |link: &Link| LinkChange::Delete { name: link.name.clone() };
        let cable = link::named(links, CABLE);
        let bridge = link::named(links, &self.bridge).filter(|link| is_ours(link));
        let bridge = bridge.filter(|bridge| pods(bridge, links).next().is_none());
        cable.into_iter().chain(bridge).map(delete).collect()
    }

    /// The bridge as it should be: ours in every respect, another's only with gateways.
    fn bridge(&self, links: &[Link]) -> Result<Bridge> {
        let adopted = self.adopted(links);
        let missing = |cidr: &&IpNet| adopted.is_none_or(|link| inside(link, **cidr).is_none());
        let gateways = self.pod_cidrs.iter().filter(missing).map(|cidr| gateway(*cidr));
        Ok(Bridge {
            name: adopted.map_or_else(|| self.bridge.clone(), |link| link.name.clone()),
            mtu: adopted.is_none().then_some(self.mtu),
            addresses: gateways.collect::<Result<_>>()?,
            others: adopted.is_some(),
            alias: ALIAS.to_owned(),
            hardware: hardware(self.pod_cidrs.first().map(|cidr| gateway(*cidr)).transpose()?),
        })
    }

    /// A bridge that somebody else made for these pods, or under the name that we were given.
    fn adopted<'a>(&self, links: &'a [Link]) -> Option<&'a Link> {
        let bridges = || links.iter().filter(|link| link.is_bridge() && !is_ours(link));
        let named = bridges().find(|link| link.name == self.bridge);
        let holds = |link: &&Link| self.pod_cidrs.iter().any(|cidr| inside(link, *cidr).is_some());
        named.or_else(|| bridges().find(holds))
    }

    fn cable(&self, bridge: &Bridge, links: &[Link]) -> Result<Cable> {
        let adopted = link::named(links, &bridge.name).filter(|_| bridge.others);
        let present = link::named(links, CABLE).map_or(0, |cable| cable.mtu);
        let addresses = self.pod_cidrs.iter().map(|cidr| canary(*cidr));
        let gateways = self.pod_cidrs.iter().map(|cidr| {
            let there = adopted.and_then(|link| inside(link, *cidr));
            there.map_or_else(|| gateway(*cidr), Ok).map(|gateway| gateway.addr())
        });
        Ok(Cable {
            name: CABLE.to_owned(),
            bridge: bridge.name.clone(),
            // A bridge takes the smallest MTU of its ports, unless it was given one: a cable that
            // carries more than pods that came later stays as it is.
            mtu: adopted.map_or(self.mtu, |link| link.mtu.max(present)),
            namespace: self.namespace.clone(),
            inside: CableEnd {
                name: INSIDE.to_owned(),
                mtu: self.mtu,
                addresses: addresses.collect::<Result<_>>()?,
                gateways: one_of_each_family(gateways.collect::<Result<_>>()?),
            },
        })
    }

    /// On a bridge with pods, one of them may have the canary's address.
    async fn check_addresses_are_free(&self, links: &[Link], cable: &Cable) -> Result<()> {
        let Some(bridge) = link::named(links, &cable.bridge) else { return Ok(()) };
        let mut ports = links.iter().filter(|port| port.master == Some(bridge.index));
        if link::named(links, CABLE).is_some() || ports.next().is_none() {
            return Ok(());
        }
        let addresses: Vec<_> = cable.inside.addresses.iter().map(IpNet::addr).collect();
        if !icmp::any_answers(&addresses, NEIGHBOUR).await? {
            return Ok(());
        }
        let list: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let why = "somebody on the bridge answers there; keep the first two addresses of each \
                   pod CIDR out of the range that pods get theirs from";
        let what = format!("give {} to the canary on {}", list.join(" and "), bridge.name);
        Err(Error::InTheWay { what, why: why.to_owned() })
    }
}

/// What hangs on a bridge beside a canary.
fn pods<'a>(bridge: &Link, links: &'a [Link]) -> impl Iterator<Item = &'a Link> {
    links.iter().filter(|port| port.master == Some(bridge.index) && port.name != CABLE)
}

/// A bridge's hardware address, by the address that it has (as CNI's plugins have it): one
/// that is deleted and made anew is the same to pods that remember their gateway.
fn hardware(gateway: Option<IpNet>) -> [u8; 6] {
    let [a, b, c, d] = match gateway.map(|gateway| gateway.addr()) {
        Some(IpAddr::V4(address)) => address.octets(),
        Some(IpAddr::V6(address)) => {
            let [.., a, b, c, d] = address.octets();
            [a, b, c, d]
        }
        None => [0; 4],
    };
    [0x0a, 0x58, a, b, c, d]
}

fn is_ours(link: &Link) -> bool {
    link.alias.as_deref() == Some(ALIAS)
}

/// The link's address inside this pod CIDR.
fn inside(link: &Link, cidr: IpNet) -> Option<IpNet> {
    link.addresses.iter().find(|address| cidr.contains(&address.addr())).copied()
}

/// A default route has one gateway, however many pod CIDRs of a family there are.
fn one_of_each_family(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let of = |family| addresses.iter().copied().find(|at| Family::from(*at) == family);
    Family::BOTH.into_iter().filter_map(of).collect()
}

/// The canary's addresses are reserved: waiting a second for duplicates helps nobody. A kernel
/// without IPv6 has no such setting.
fn hear_at_once() {
    if let Err(error) = sysctl::write("net.ipv6.conf.default.accept_dad", "0") {
        tracing::debug!(%error);
    }
}
