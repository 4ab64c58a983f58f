//! Reading interfaces and addresses.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use ipnet::IpNet;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkInfo, LinkMessage};

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
