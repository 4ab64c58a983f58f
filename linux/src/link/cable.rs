//! A veth pair from a bridge into a namespace, and what is missing of it.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use super::{Link, LinkChange, bridge, named};
use crate::error::Result;
use crate::namespace::Namespace;
use crate::netlink::Netlink;
use crate::route::Route;

/// A veth pair as it should be: one end on a bridge, the other inside a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cable {
    /// The name of the end on the bridge.
    pub name: String,
    /// The bridge.
    pub bridge: String,
    /// The MTU of the end on the bridge, in bytes.
    pub mtu: u32,
    /// Where the namespace is pinned.
    pub namespace: PathBuf,
    /// The end inside.
    pub inside: CableEnd,
}

/// The end of a cable inside a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CableEnd {
    /// The name of the interface there, such as `eth0`.
    pub name: String,
    /// Its MTU, in bytes.
    pub mtu: u32,
    /// Its addresses with their prefix lengths; others are taken away.
    pub addresses: Vec<IpNet>,
    /// Default gateways, one for each family that has one.
    pub gateways: Vec<IpAddr>,
}

/// Where a change is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// In the namespace of the bridge.
    Outside,
    /// In the namespace that the cable leads into.
    Inside,
}

/// What the inside of a namespace looks like; empty for one that is not there yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Interior {
    pub(super) links: Vec<Link>,
    pub(super) routes: Vec<Route>,
}

impl Cable {
    /// What must be written, in order, given what is outside and inside. Pure.
    pub fn changes(
        &self,
        outside: &[Link],
        inside: &[Link],
        routes: &[Route],
    ) -> Vec<(Side, LinkChange)> {
        let ends = (named(outside, &self.name), named(inside, &self.inside.name));
        let whole = matches!(ends, (Some(out), Some(into))
            if out.peer == Some(into.index) && into.peer == Some(out.index));
        let mut changes = Vec::new();
        if !whole {
            changes.extend(self.create(ends));
        }
        let (out, into) = if whole { ends } else { (None, None) };
        let bridge = named(outside, &self.bridge);
        changes.extend(self.outside(out, bridge).into_iter().map(|change| (Side::Outside, change)));
        let lo = bridge::up("lo", named(inside, "lo"));
        let inside = lo.into_iter().chain(self.inside.changes(into, routes));
        changes.extend(inside.map(|change| (Side::Inside, change)));
        changes
    }

    /// Ends that do not belong together are of an earlier, broken pair.
    fn create(&self, ends: (Option<&Link>, Option<&Link>)) -> Vec<(Side, LinkChange)> {
        let delete = |link: &Link| LinkChange::Delete { name: link.name.clone() };
        let create = LinkChange::CreateVeth {
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            inside: self.inside.name.clone(),
        };
        let outside = ends.0.map(|link| (Side::Outside, delete(link)));
        let inside = ends.1.map(|link| (Side::Inside, delete(link)));
        outside.into_iter().chain(inside).chain([(Side::Outside, create)]).collect()
    }

    fn outside(&self, now: Option<&Link>, bridge: Option<&Link>) -> Vec<LinkChange> {
        let mut changes = Vec::from_iter(bridge::mtu(&self.name, now, Some(self.mtu)));
        let master = now.and_then(|link| link.master);
        if master.is_none() || master != bridge.map(|bridge| bridge.index) {
            let (name, bridge) = (self.name.clone(), self.bridge.clone());
            changes.push(LinkChange::Attach { name, bridge });
        }
        changes.extend(bridge::up(&self.name, now));
        changes
    }
}

impl CableEnd {
    fn changes(&self, now: Option<&Link>, routes: &[Route]) -> Vec<LinkChange> {
        let mut changes = Vec::from_iter(bridge::mtu(&self.name, now, Some(self.mtu)));
        changes.extend(bridge::surplus_addresses(&self.name, now, &self.addresses));
        changes.extend(bridge::missing_addresses(&self.name, now, &self.addresses));
        changes.extend(bridge::up(&self.name, now));
        let routed = |gateway: &&IpAddr| {
            now.is_some() && routes.iter().any(|route| route.is_default_through(**gateway))
        };
        changes.extend(self.gateways.iter().filter(|gateway| !routed(gateway)).map(|gateway| {
            LinkChange::RouteDefault { name: self.name.clone(), gateway: *gateway }
        }));
        changes
    }
}

impl Netlink {
    /// What [`Netlink::ensure_cable`] would write. A namespace that is not there yet, and a
    /// bridge that is not, count as empty.
    pub async fn cable_changes(&self, cable: &Cable) -> Result<Vec<(Side, LinkChange)>> {
        let interior = interior(cable).await?;
        Ok(cable.changes(&self.links().await?, &interior.links, &interior.routes))
    }

    /// Makes the cable as it should be, `lo` inside set up. The namespace and the bridge
    /// must be there. Returns what was written.
    pub async fn ensure_cable(&self, cable: &Cable) -> Result<Vec<(Side, LinkChange)>> {
        let changes = self.cable_changes(cable).await?;
        let inside = Netlink::open_in(&Namespace::open(&cable.namespace)?)?;
        for (side, change) in &changes {
            match side {
                Side::Outside => self.apply(change).await?,
                Side::Inside => inside.apply(change).await?,
            }
        }
        Ok(changes)
    }
}

async fn interior(cable: &Cable) -> Result<Interior> {
    if !Namespace::is_pinned(&cable.namespace) {
        return Ok(Interior::default());
    }
    let inside = Netlink::open_in(&Namespace::open(&cable.namespace)?)?;
    Ok(Interior { links: inside.links().await?, routes: inside.routes().await? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Host, bridge};

    fn cable(namespace: PathBuf) -> Cable {
        Cable {
            name: "moorline-canary".into(),
            bridge: "moorline0".into(),
            mtu: 1280,
            namespace,
            inside: CableEnd {
                name: "eth0".into(),
                mtu: 1280,
                addresses: ["10.42.3.2/24", "2001:cafe:42:3::2/64"]
                    .map(|at| at.parse().unwrap())
                    .into(),
                gateways: ["10.42.3.1", "2001:cafe:42:3::1"].map(|at| at.parse().unwrap()).into(),
            },
        }
    }

    async fn ensure(cable: &Cable) -> usize {
        let netlink = Netlink::open().unwrap();
        let bridge = netlink.ensure_bridge(&bridge()).await.unwrap();
        bridge.len() + netlink.ensure_cable(cable).await.unwrap().len()
    }

    #[test]
    fn a_second_run_writes_nothing() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        let inside = Namespace::pinned(host.beside("inside")).unwrap();
        let cable = cable(inside.path().to_owned());
        assert_eq!(host.block_on(|| ensure(&cable)), 5 + 4 + 7);
        assert_eq!(host.block_on(|| ensure(&cable)), 0);
        host.sh("ping -c1 -W1 10.42.3.2; ping -c1 -W1 2001:cafe:42:3::2");
    }

    #[test]
    fn only_what_is_broken_is_mended() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        let inside = Namespace::pinned(host.beside("inside")).unwrap();
        let cable = cable(inside.path().to_owned());
        host.block_on(|| ensure(&cable));
        host.sh("ip link set moorline-canary nomaster; ip addr del 10.42.3.1/24 dev moorline0");
        assert_eq!(host.block_on(|| ensure(&cable)), 2);

        Namespace::remove(inside.path()).unwrap();
        let again = Namespace::pinned(inside.path()).unwrap();
        host.block_on(|| ensure(&cable));
        assert_eq!(host.block_on(|| ensure(&cable)), 0);
        drop((inside, again));
        host.sh("ping -c1 -W1 10.42.3.2; ping -c1 -W1 2001:cafe:42:3::2");
    }

    #[test]
    fn the_hardware_address_of_the_bridge_stays() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        let inside = Namespace::pinned(host.beside("inside")).unwrap();
        host.block_on(async || Netlink::open().unwrap().ensure_bridge(&bridge()).await.unwrap());
        let before = host.sh("ip -o link show moorline0 | grep -o 'ether [^ ]*'");
        let cable = cable(inside.path().to_owned());
        host.block_on(|| ensure(&cable));
        let after = host.sh("ip -o link show moorline0 | grep -o 'ether [^ ]*'");
        assert_eq!(before, after);
    }
}
