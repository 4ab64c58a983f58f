//! Reading interfaces and addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use futures_util::TryStreamExt;
use ipnet::IpNet;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use rustix::io::Errno;

use super::Link;
use crate::error::{Cannot, Result};
use crate::netlink::Netlink;

impl Netlink {
    /// Every interface of the namespace, by index.
    pub async fn links(&self) -> Result<Vec<Link>> {
        let what = || "list the interfaces".to_owned();
        let messages: Vec<_> =
            self.handle.link().get().execute().try_collect().await.cannot(what)?;
        let mut addresses = self.addresses().await?;
        let mut links: Vec<_> = messages.iter().map(link).collect();
        for link in &mut links {
            link.addresses = addresses.remove(&link.index).unwrap_or_default();
        }
        links.sort_by_key(|link| link.index);
        Ok(links)
    }

    /// The interface that carries most of these addresses; none where no interface has any.
    /// Reads that one alone: a listing of all is long.
    pub async fn link_carrying(&self, wanted: &[IpAddr]) -> Result<Option<Link>> {
        let mut addresses = self.addresses().await?;
        let Some(index) = carrier(&addresses, wanted) else { return Ok(None) };
        let what = || format!("read the interface {index}");
        let mut found = Box::pin(self.handle.link().get().match_index(index).execute());
        let message = match found.try_next().await {
            // It went away meanwhile.
            Err(rtnetlink::Error::NetlinkError(no)) if is_no_device(&no.to_io()) => None,
            answer => answer.cannot(what)?,
        };
        let addresses = addresses.remove(&index).unwrap_or_default();
        Ok(message.map(|message| Link { addresses, ..link(&message) }))
    }

    /// The addresses, by the index of their interface.
    async fn addresses(&self) -> Result<BTreeMap<u32, Vec<IpNet>>> {
        let what = || "list the addresses".to_owned();
        let messages: Vec<_> =
            self.handle.address().get().execute().try_collect().await.cannot(what)?;
        let mut addresses: BTreeMap<u32, Vec<IpNet>> = BTreeMap::new();
        for message in &messages {
            addresses.entry(message.header.index).or_default().extend(address(message));
        }
        Ok(addresses)
    }
}

fn is_no_device(cause: &std::io::Error) -> bool {
    cause.raw_os_error() == Some(Errno::NODEV.raw_os_error())
}

/// The index of the interface that carries most of them.
fn carrier(addresses: &BTreeMap<u32, Vec<IpNet>>, wanted: &[IpAddr]) -> Option<u32> {
    let carried = |own: &[IpNet]| {
        wanted.iter().filter(|wanted| own.iter().any(|own| own.addr() == **wanted)).count()
    };
    let counts = addresses.iter().map(|(index, own)| (carried(own), *index));
    counts.filter(|(count, _)| *count > 0).max().map(|(_, index)| index)
}

fn link(message: &LinkMessage) -> Link {
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        kind: None,
        mtu: 0,
        up: message.header.flags.contains(LinkFlags::Up),
        master: None,
        peer: None,
        alias: None,
        addresses: Vec::new(),
    };
    for attribute in &message.attributes {
        take(&mut link, attribute);
    }
    link
}

fn take(link: &mut Link, attribute: &LinkAttribute) {
    if let LinkAttribute::IfName(name) = attribute {
        link.name.clone_from(name);
    } else if let LinkAttribute::Mtu(mtu) = attribute {
        link.mtu = *mtu;
    } else if let LinkAttribute::Controller(master) = attribute {
        link.master = Some(*master);
    } else if let LinkAttribute::Link(peer) = attribute {
        link.peer = Some(*peer);
    } else if let LinkAttribute::IfAlias(alias) = attribute {
        link.alias = Some(alias.clone());
    } else if let LinkAttribute::LinkInfo(infos) = attribute {
        link.kind = infos.iter().find_map(kind);
    }
}

fn kind(info: &LinkInfo) -> Option<String> {
    if let LinkInfo::Kind(kind) = info { Some(kind.to_string()) } else { None }
}

/// The interface's own address. On point-to-point links `IFA_ADDRESS` is the other end's,
/// and `IFA_LOCAL` the own one.
fn address(message: &AddressMessage) -> Option<IpNet> {
    let mut own = None;
    for attribute in &message.attributes {
        if let AddressAttribute::Local(address) = attribute {
            own = Some(*address);
        } else if let AddressAttribute::Address(address) = attribute {
            own = own.or(Some(*address));
        }
    }
    IpNet::new(own?, message.header.prefix_len).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Host};

    #[test]
    fn the_interface_that_carries_most_of_the_addresses_is_read() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        host.sh("ip link add one type bridge; ip address add 192.0.2.1/24 dev one");
        host.sh("ip link add two mtu 1280 type bridge; ip address add 192.0.2.2/24 dev two");
        host.sh("ip address add 192.0.2.3/32 dev two");
        let wanted = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|text| text.parse().unwrap());
        host.block_on(async || {
            let netlink = Netlink::open().unwrap();
            let found = netlink.link_carrying(&wanted).await.unwrap().unwrap();
            assert_eq!((found.name.as_str(), found.mtu), ("two", 1280));
            assert!(found.has_address(wanted[2]) && !found.has_address(wanted[0]));
            let nobody = ["198.51.100.1".parse().unwrap()];
            assert!(netlink.link_carrying(&nobody).await.unwrap().is_none());
        });
    }
}
