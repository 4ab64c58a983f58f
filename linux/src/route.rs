//! Routes: all of them, those of connected networks, and the one that a packet would take.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures_util::TryStreamExt;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteProtocol, RouteType,
};
use rtnetlink::RouteMessageBuilder;
use serde::{Deserialize, Serialize};

use crate::error::{Cannot, Error, Result};
use crate::family::Family;
use crate::link::Link;
use crate::netlink::{Netlink, of_family};

/// The routing table `main`.
pub const MAIN: u32 = 254;
/// The routing table `local`: this machine's own addresses.
pub const LOCAL: u32 = 255;

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub destination: IpNet,
    /// The table that it stands in.
    pub table: u32,
    /// The interface that it leaves by; none for a route that drops.
    pub interface: Option<String>,
    /// The next hop; none on the link itself.
    pub gateway: Option<IpAddr>,
    /// The source address that it prefers.
    pub source: Option<IpAddr>,
    /// What it does.
    pub kind: RouteKind,
    /// Whether it came with an address of the interface: made by the kernel, or by who put the
    /// address there on the word of a router or of DHCP.
    pub came_with_address: bool,
}

/// What a route does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteKind {
    /// Sends it on.
    Unicast,
    /// Takes it as this machine's own.
    Local,
    /// Drops it: blackhole, unreachable, prohibit.
    Drop,
    /// Anything else: broadcast, multicast, throw.
    Other,
}

impl Route {
    /// Whether this is a default route through `gateway`.
    pub fn is_default_through(&self, gateway: IpAddr) -> bool {
        self.destination.prefix_len() == 0 && self.gateway == Some(gateway)
    }

    /// Whether it leads to a network on one of this machine's own links.
    pub fn is_connected(&self) -> bool {
        let link_scope = match self.destination.addr() {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        let whole = self.destination.prefix_len() < self.destination.max_prefix_len();
        self.table == MAIN
            && self.kind == RouteKind::Unicast
            && self.came_with_address
            && self.gateway.is_none()
            && whole
            && !link_scope
    }
}

impl Netlink {
    /// Every route of every table, both families.
    pub async fn routes(&self) -> Result<Vec<Route>> {
        let names = self.interface_names().await?;
        let mut routes = Vec::new();
        for family in Family::BOTH {
            let what = || format!("list the {family} routes");
            let query = unspecified(family);
            let found: Result<Vec<_>, _> =
                self.handle.route().get(query).execute().try_collect().await;
            let found = of_family(found).cannot(what)?;
            routes.extend(found.iter().map(|message| route(message, &names)));
        }
        Ok(routes)
    }

    /// Every route of one table, both families.
    pub async fn routes_of(&self, table: u32) -> Result<Vec<Route>> {
        let mut routes = self.routes().await?;
        routes.retain(|route| route.table == table);
        Ok(routes)
    }

    /// Writes routes to what is on an interface's own link, such as a tunnel's other ends. One
    /// that is there already stays.
    pub async fn add_routes(&self, table: u32, link: &Link, to: &[IpNet]) -> Result<()> {
        for destination in to {
            let what = || format!("add a route to {destination} through {}", link.name);
            let message = on_link(*destination, table, link.index);
            self.handle.route().add(message).replace().execute().await.cannot(what)?;
        }
        Ok(())
    }

    /// The networks on this machine's own links: prefix and interface.
    pub async fn connected_networks(&self) -> Result<Vec<(IpNet, String)>> {
        let routes = self.routes_of(MAIN).await?;
        let connected = routes.into_iter().filter(Route::is_connected);
        Ok(connected.filter_map(|route| Some((route.destination, route.interface?))).collect())
    }

    /// The route that a packet of this machine's own to `destination` would take, by all
    /// rules and tables; none where it has no way.
    pub async fn lookup(&self, destination: IpAddr) -> Result<Option<Route>> {
        let names = self.interface_names().await?;
        let mut query = toward(destination);
        query.header.flags |= RouteFlags::LookupTable;
        let mut answers = Box::pin(self.handle.route().get(query).execute());
        let answer =
            answers.try_next().await.cannot(|| format!("look up the route to {destination}"));
        match answer {
            Ok(found) => Ok(found.map(|message| route(&message, &names))),
            Err(Error::Kernel { cause, .. }) if is_no_way(&cause) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn interface_names(&self) -> Result<BTreeMap<u32, String>> {
        Ok(self.links().await?.into_iter().map(|link| (link.index, link.name)).collect())
    }
}

/// What the kernel answers for no route, and for routes that drop: `ENETUNREACH`,
/// `EHOSTUNREACH` (unreachable), `EACCES` (prohibit), `EINVAL` (blackhole).
fn is_no_way(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::InvalidInput
    )
}

fn unspecified(family: Family) -> RouteMessage {
    match family {
        Family::Ipv4 => RouteMessageBuilder::<Ipv4Addr>::new().build(),
        Family::Ipv6 => RouteMessageBuilder::<Ipv6Addr>::new().build(),
    }
}

fn toward(destination: IpAddr) -> RouteMessage {
    match destination {
        IpAddr::V4(address) => {
            RouteMessageBuilder::<Ipv4Addr>::new().destination_prefix(address, 32).build()
        }
        IpAddr::V6(address) => {
            RouteMessageBuilder::<Ipv6Addr>::new().destination_prefix(address, 128).build()
        }
    }
}

fn on_link(to: IpNet, table: u32, interface: u32) -> RouteMessage {
    match to {
        IpNet::V4(to) => RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(to.network(), to.prefix_len())
            .table_id(table)
            .output_interface(interface)
            .protocol(RouteProtocol::Boot)
            .build(),
        IpNet::V6(to) => RouteMessageBuilder::<Ipv6Addr>::new()
            .destination_prefix(to.network(), to.prefix_len())
            .table_id(table)
            .output_interface(interface)
            .protocol(RouteProtocol::Boot)
            .build(),
    }
}

fn route(message: &RouteMessage, names: &BTreeMap<u32, String>) -> Route {
    let header = &message.header;
    let mut route = Route {
        destination: everything(header.address_family),
        table: header.table.into(),
        interface: None,
        gateway: None,
        source: None,
        kind: kind(header.kind),
        came_with_address: matches!(
            header.protocol,
            RouteProtocol::Kernel | RouteProtocol::Ra | RouteProtocol::Dhcp
        ),
    };
    for attribute in &message.attributes {
        take(&mut route, attribute, header.destination_prefix_length, names);
    }
    route
}

fn take(route: &mut Route, attribute: &RouteAttribute, length: u8, names: &BTreeMap<u32, String>) {
    if let RouteAttribute::Destination(to) = attribute {
        let prefix = address(to).and_then(|to| IpNet::new(to, length).ok());
        route.destination = prefix.unwrap_or(route.destination);
    } else if let RouteAttribute::Table(table) = attribute {
        route.table = *table;
    } else if let RouteAttribute::Oif(index) = attribute {
        route.interface = names.get(index).cloned();
    } else if let RouteAttribute::Gateway(gateway) = attribute {
        route.gateway = address(gateway);
    } else if let RouteAttribute::PrefSource(source) = attribute {
        route.source = address(source);
    }
}

fn everything(family: AddressFamily) -> IpNet {
    if family == AddressFamily::Inet6 {
        Ipv6Net::default().into()
    } else {
        Ipv4Net::default().into()
    }
}

fn kind(kind: RouteType) -> RouteKind {
    if kind == RouteType::Unicast {
        RouteKind::Unicast
    } else if kind == RouteType::Local {
        RouteKind::Local
    } else if matches!(kind, RouteType::BlackHole | RouteType::Unreachable | RouteType::Prohibit) {
        RouteKind::Drop
    } else {
        RouteKind::Other
    }
}

fn address(address: &RouteAddress) -> Option<IpAddr> {
    if let RouteAddress::Inet(address) = address {
        Some(IpAddr::V4(*address))
    } else if let RouteAddress::Inet6(address) = address {
        Some(IpAddr::V6(*address))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Host};

    #[test]
    fn rules_and_tables_decide_a_lookup() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        host.sh("ip link add lan type bridge; ip link set lan up
                 ip link add vpn type bridge; ip link set vpn up
                 ip addr add 192.168.7.1/24 dev lan
                 ip addr add 2001:db8:7::1/64 dev lan nodad
                 ip route add 10.42.0.0/16 dev vpn table 52
                 ip route add blackhole 10.66.0.0/16
                 ip route add 192.168.8.0/24 dev lan proto dhcp
                 ip route add 192.168.9.0/24 dev lan proto static
                 ip rule add pref 5270 lookup 52");
        host.block_on(async || {
            let netlink = Netlink::open().unwrap();
            let to = |to: &str| to.parse::<IpAddr>().unwrap();
            let found = netlink.lookup(to("10.42.1.2")).await.unwrap().unwrap();
            assert_eq!((found.interface.as_deref(), found.table), (Some("vpn"), 52));
            let found = netlink.lookup(to("2001:db8:7::9")).await.unwrap().unwrap();
            assert_eq!((found.interface.as_deref(), found.table), (Some("lan"), MAIN));
            let own = netlink.lookup(to("192.168.7.1")).await.unwrap().unwrap();
            assert_eq!((own.kind, own.table), (RouteKind::Local, LOCAL));
            assert_eq!(netlink.lookup(to("10.66.0.1")).await.unwrap(), None);
            assert_eq!(netlink.lookup(to("203.0.113.1")).await.unwrap(), None);

            let connected = netlink.connected_networks().await.unwrap();
            let lan = |prefix: &str| (prefix.parse().unwrap(), "lan".to_owned());
            let expected = ["192.168.7.0/24", "192.168.8.0/24", "2001:db8:7::/64"].map(lan);
            assert_eq!(connected, expected);
            assert_eq!(netlink.routes_of(52).await.unwrap().len(), 1);
        });
    }

    #[test]
    fn a_route_is_written_where_it_is_missing() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        host.sh("ip link add vpn type bridge; ip link set vpn up
                 ip route add 10.42.1.0/24 dev vpn table 52");
        let to = ["10.42.1.0/24", "10.42.2.0/24", "2001:cafe:42:2::/64"];
        host.block_on(async || {
            let netlink = Netlink::open().unwrap();
            let links = netlink.links().await.unwrap();
            let vpn = links.iter().find(|link| link.name == "vpn").unwrap();
            let to = to.map(|net| net.parse().unwrap());
            netlink.add_routes(52, vpn, &to).await.unwrap();
            let routes = netlink.routes_of(52).await.unwrap();
            assert!(routes.iter().all(|route| route.interface.as_deref() == Some("vpn")));
            assert_eq!(routes.iter().map(|route| route.destination).collect::<Vec<_>>(), to);
        });
    }
}
