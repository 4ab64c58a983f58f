//! Writing one change.

use futures_util::TryStreamExt;
use ipnet::IpNet;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::link::{InfoData, InfoVeth, LinkMessage};
use rtnetlink::{
    LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth, LinkWireguard, RouteMessageBuilder,
};
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd};

use super::LinkChange;
use crate::error::{Cannot, Result};
use crate::namespace::Namespace;
use crate::netlink::Netlink;

type Outcome = Result<(), rtnetlink::Error>;

impl Netlink {
    /// Makes these changes, in order, up to the first that fails.
    pub async fn apply_all(&self, changes: &[LinkChange]) -> Result<()> {
        for change in changes {
            self.apply(change).await?;
        }
        Ok(())
    }

    /// Makes one change.
    pub async fn apply(&self, change: &LinkChange) -> Result<()> {
        tracing::debug!(%change, "netlink");
        if let LinkChange::CreateVeth { name, namespace, inside } = change {
            let namespace = Namespace::open(namespace)?;
            return self.create_veth(name, &namespace, inside).await.cannot(|| change.to_string());
        }
        self.write(change).await.cannot(|| change.to_string())
    }

    /// Sets the MTU of an interface, in bytes; writes nothing where it has it already.
    pub async fn set_mtu(&self, name: &str, mtu: u32) -> Result<()> {
        let links = self.links().await?;
        let change = super::bridge::mtu(name, super::named(&links, name), Some(mtu));
        self.apply_all(change.as_slice()).await
    }

    /// Makes an interface of the kernel's own WireGuard, not configured yet.
    pub async fn create_wireguard(&self, name: &str) -> Result<()> {
        let link = LinkWireguard::new(name).build();
        let made = self.handle.link().add(link).execute().await;
        made.cannot(|| format!("create the WireGuard interface {name}"))
    }

    /// Deletes an interface; nothing where there is none.
    pub async fn delete_link(&self, name: &str) -> Result<()> {
        let there = super::named(&self.links().await?, name).is_some();
        let change = there.then(|| LinkChange::Delete { name: name.to_owned() });
        self.apply_all(change.as_slice()).await
    }

    async fn write(&self, change: &LinkChange) -> Outcome {
        match change {
            LinkChange::CreateBridge { name, alias, hardware } => {
                self.create_bridge(name, alias, hardware).await
            }
            LinkChange::CreateVeth { .. } => unreachable!("made by `apply`"),
            LinkChange::SetMtu { name, to, .. } => self.set(named(name).mtu(*to).build()).await,
            LinkChange::Attach { name, bridge } => {
                let bridge = self.index(bridge).await?;
                self.set(named(name).controller(bridge).build()).await
            }
            LinkChange::AddAddress { name, address } => self.add_address(name, *address).await,
            LinkChange::RemoveAddress { name, address } => {
                self.remove_address(name, *address).await
            }
            LinkChange::SetUp { name } => self.set(named(name).up().build()).await,
            LinkChange::RouteDefault { name, gateway } => self.route_default(name, *gateway).await,
            LinkChange::Delete { name } => {
                let index = self.index(name).await?;
                self.handle.link().del(index).execute().await
            }
        }
    }

    async fn set(&self, message: LinkMessage) -> Outcome {
        self.handle.link().set(message).execute().await
    }

    /// A bridge takes the lowest hardware address of its ports until one is set, and pods
    /// would hold a stale gateway each time that changes.
    ///
    /// It gets its name last: one without our alias would be taken for somebody else's.
    async fn create_bridge(&self, name: &str, alias: &str, hardware: &[u8; 6]) -> Outcome {
        if let Ok(unfinished) = self.index(UNFINISHED).await {
            self.handle.link().del(unfinished).execute().await?;
        }
        self.handle.link().add(LinkBridge::new(UNFINISHED).build()).execute().await?;
        let index = self.index(UNFINISHED).await?;
        let own = LinkUnspec::new_with_index(index).alias(alias).address(hardware.to_vec());
        self.set(own.build()).await?;
        self.set(LinkUnspec::new_with_index(index).name(name.to_owned()).build()).await
    }

    async fn create_veth(&self, name: &str, namespace: &Namespace, inside: &str) -> Outcome {
        let there = named(inside).setns_by_fd(namespace.as_fd().as_raw_fd()).build();
        let pair = LinkVeth::new(name, inside).set_info_data(InfoData::Veth(InfoVeth::Peer(there)));
        self.handle.link().add(pair.build()).execute().await
    }

    async fn add_address(&self, name: &str, address: IpNet) -> Outcome {
        let index = self.index(name).await?;
        let mut add = self.handle.address().add(index, address.addr(), address.prefix_len());
        if address.addr().is_ipv6() {
            add.message_mut().header.flags |= AddressHeaderFlags::Nodad;
        }
        add.execute().await
    }

    async fn remove_address(&self, name: &str, address: IpNet) -> Outcome {
        let index = self.index(name).await?;
        let mut message = AddressMessage::default();
        message.header.index = index;
        message.header.prefix_len = address.prefix_len();
        message.header.family = match address {
            IpNet::V4(_) => AddressFamily::Inet,
            IpNet::V6(_) => AddressFamily::Inet6,
        };
        message.attributes.push(AddressAttribute::Local(address.addr()));
        self.handle.address().del(message).execute().await
    }

    async fn route_default(&self, name: &str, gateway: IpAddr) -> Outcome {
        let index = self.index(name).await?;
        let route = match gateway {
            IpAddr::V4(gateway) => RouteMessageBuilder::<std::net::Ipv4Addr>::new()
                .output_interface(index)
                .gateway(gateway)
                .build(),
            IpAddr::V6(gateway) => RouteMessageBuilder::<std::net::Ipv6Addr>::new()
                .output_interface(index)
                .gateway(gateway)
                .build(),
        };
        self.handle.route().add(route).replace().execute().await
    }

    async fn index(&self, name: &str) -> Result<u32, rtnetlink::Error> {
        Ok(self.message(name).await?.header.index)
    }

    async fn message(&self, name: &str) -> Result<LinkMessage, rtnetlink::Error> {
        let mut found = Box::pin(self.handle.link().get().match_name(name.to_owned()).execute());
        found.try_next().await?.ok_or(rtnetlink::Error::RequestFailed)
    }
}

/// The name of a bridge that is not finished yet.
const UNFINISHED: &str = "moorline-new";

fn named(name: &str) -> LinkMessageBuilder<LinkUnspec> {
    LinkUnspec::new_with_name(name)
}
