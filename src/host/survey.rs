//! What else there is to look at on a machine, for whoever takes the time: slow, and asked for
//! by `doctor` alone.

mod kernel;
mod resolver;
mod sockets;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use linux::Netlink;

/// What else there is on a machine: plain data. What cannot be seen is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// The programs that hold one of the VPN's UDP ports.
    pub sockets: Vec<SocketFact>,
    /// Whom this machine asks for names, and pods with it.
    pub nameservers: Vec<NameserverFact>,
    /// Where it looks for short names.
    pub search: Vec<String>,
    /// The tables of iptables-legacy that hold rules.
    pub legacy_tables: BTreeSet<String>,
    /// What the kernel can do; none where nobody may try.
    pub kernel: Option<KernelFact>,
}

/// A program that listens on a UDP port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketFact {
    /// The port.
    pub port: u16,
    /// The program's name.
    pub program: String,
}

/// A name server, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameserverFact {
    /// Its address.
    pub address: IpAddr,
    /// The interface by which packets leave for it; none where there is no way.
    pub interface: Option<String>,
}

/// What the kernel can do, tried in a network namespace that nothing else is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelFact {
    /// Make a bridge.
    pub bridge: bool,
    /// Make a pair of interfaces.
    pub veth: bool,
    /// Masquerade, by nftables.
    pub masquerade: bool,
    /// Hand packets to a program.
    pub tun: bool,
    /// Make an interface of WireGuard's.
    pub wireguard: bool,
}

impl Survey {
    /// Looks at this machine. `scratch` is where a network namespace may be pinned meanwhile.
    pub async fn gather(ports: &[u16], scratch: &Path) -> Self {
        let resolver = resolver::read();
        Survey {
            sockets: sockets::holders(ports),
            nameservers: ways(resolver.nameservers).await,
            search: resolver.search,
            legacy_tables: kernel::legacy_tables().await,
            kernel: kernel::tried(scratch).await,
        }
    }
}

async fn ways(addresses: Vec<IpAddr>) -> Vec<NameserverFact> {
    let Ok(netlink) = Netlink::open() else { return Vec::new() };
    let mut found = Vec::new();
    for address in addresses {
        let route = netlink.lookup(address).await.ok().flatten();
        found.push(NameserverFact { address, interface: route.and_then(|route| route.interface) });
    }
    found
}
