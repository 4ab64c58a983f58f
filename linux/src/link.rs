//! Interfaces and their addresses; bridges and veth pairs, made by difference.

mod apply;
mod bridge;
mod cable;
mod list;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use bridge::Bridge;
pub use cable::{Cable, CableEnd, Side};

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The kernel's index of it, within its namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its kind, such as `bridge`, `veth`, `tun`; none for hardware and `lo`.
    pub kind: Option<String>,
    /// The largest packet that it carries, in bytes.
    pub mtu: u32,
    /// Whether it is set up, with or without a carrier.
    pub up: bool,
    /// The index of the bridge or bond that it is a port of.
    pub master: Option<u32>,
    /// The index of a veth's other end, in that end's namespace.
    pub peer: Option<u32>,
    /// What somebody wrote on it (`ip link set alias`).
    pub alias: Option<String>,
    /// Its addresses with their prefix lengths, those of link scope too.
    pub addresses: Vec<IpNet>,
}

impl Link {
    /// Whether it is a bridge.
    pub fn is_bridge(&self) -> bool {
        self.kind.as_deref() == Some("bridge")
    }

    /// Whether it carries this address, whatever the prefix length.
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|own| own.addr() == address)
    }
}

/// The link of this name.
pub fn named<'a>(links: &'a [Link], name: &str) -> Option<&'a Link> {
    links.iter().find(|link| link.name == name)
}

/// One write. Reads as what it does: `add address 10.42.1.1/24 to moorline0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkChange {
    /// Make a bridge, whose hardware address stays as ports come and go.
    CreateBridge {
        /// Its name.
        name: String,
        /// What to write on it, so that its maker is known later.
        alias: String,
        /// Its hardware address.
        hardware: [u8; 6],
    },
    /// Make a veth pair, one end here and one in another namespace.
    CreateVeth {
        /// The name of the end here.
        name: String,
        /// Where the other end's namespace is pinned.
        namespace: PathBuf,
        /// The name of the end there.
        inside: String,
    },
    /// Set the MTU.
    SetMtu {
        /// The interface.
        name: String,
        /// What it is now; none for an interface that is not there yet.
        from: Option<u32>,
        /// In bytes.
        to: u32,
    },
    /// Make an interface a port of a bridge.
    Attach {
        /// The interface.
        name: String,
        /// The bridge.
        bridge: String,
    },
    /// Add an address; an IPv6 address is used at once, without duplicate detection.
    AddAddress {
        /// The interface.
        name: String,
        /// The address with its prefix length.
        address: IpNet,
    },
    /// Take an address away.
    RemoveAddress {
        /// The interface.
        name: String,
        /// The address with its prefix length.
        address: IpNet,
    },
    /// Set an interface up.
    SetUp {
        /// The interface.
        name: String,
    },
    /// Make the default route of the gateway's family go this way.
    RouteDefault {
        /// The interface.
        name: String,
        /// Who forwards.
        gateway: IpAddr,
    },
    /// Delete an interface; a veth's other end goes with it.
    Delete {
        /// The interface.
        name: String,
    },
}

impl fmt::Display for LinkChange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkChange::CreateBridge { name, .. } => write!(out, "make the bridge {name}"),
            LinkChange::CreateVeth { name, namespace, inside } => {
                write!(out, "make the veth pair {name} and {inside} in {}", namespace.display())
            }
            LinkChange::SetMtu { name, to, .. } => write!(out, "set the MTU of {name} to {to}"),
            LinkChange::Attach { name, bridge } => {
                write!(out, "make {name} a port of {bridge}")
            }
            LinkChange::AddAddress { name, address } => {
                write!(out, "add address {address} to {name}")
            }
            LinkChange::RemoveAddress { name, address } => {
                write!(out, "take address {address} from {name}")
            }
            LinkChange::SetUp { name } => write!(out, "set {name} up"),
            LinkChange::RouteDefault { name, gateway } => {
                write!(out, "route by default through {gateway} on {name}")
            }
            LinkChange::Delete { name } => write!(out, "delete {name}"),
        }
    }
}
