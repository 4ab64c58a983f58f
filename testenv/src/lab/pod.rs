//! A pod: a namespace on a bridge of a host. A client on a host's LAN is the same thing.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::Deserialize;

use super::{Host, Inner, Namespace};

/// What the interfaces of pods carry, unless asked for otherwise: what fits through a tunnel.
const MTU: u32 = 1280;

/// A namespace on one of a host's bridges.
#[derive(Clone)]
pub struct Pod {
    pub(crate) lab: Arc<Inner>,
    pub(crate) namespace: Arc<Namespace>,
    addresses: Vec<IpNet>,
}

impl Host {
    /// Makes a bridge with these addresses, such as `"10.42.0.1/24 2001:cafe:42::1/64"`: what
    /// a CNI, or Moorline, does before there are pods; or a network behind the host.
    pub fn bridge(&self, name: &str, addresses: &str) {
        self.namespace.ip(&format!("link add name {name} type bridge"));
        for address in addresses.split_whitespace() {
            self.namespace.ip(&format!("address add {address} dev {name}"));
        }
        self.namespace.ip(&format!("link set dev {name} up"));
    }

    /// A pod with these addresses, such as `"10.42.0.10/24 2001:cafe:42::10/64"`, on the bridge
    /// that has addresses in the same networks.
    ///
    /// # Panics
    /// Where no bridge has an address in the first network.
    pub fn pod(&self, name: &str, addresses: &str) -> Pod {
        self.pod_with_mtu(name, addresses, MTU)
    }

    /// The same, with an MTU of its own.
    ///
    /// # Panics
    /// Where no bridge has an address in the first network.
    pub fn pod_with_mtu(&self, name: &str, addresses: &str, mtu: u32) -> Pod {
        let addresses: Vec<IpNet> = addresses.split_whitespace().map(net).collect();
        let bridge = self.bridge_of(&addresses[0]);
        let namespace = self.lab.namespace(&format!("{}-{name}", self.name()));
        namespace.cable("eth0", &self.namespace, name);
        self.namespace.ip(&format!("link set dev {name} master {} mtu {mtu} up", bridge.ifname));
        namespace.ip(&format!("link set dev eth0 mtu {mtu} up"));
        for address in &addresses {
            namespace.ip(&format!("address add {address} dev eth0"));
            if let Some(gateway) = bridge.address_in(address) {
                namespace.ip(&format!("route add default via {gateway} dev eth0"));
            }
        }
        Pod { lab: Arc::clone(&self.lab), namespace, addresses }
    }

    fn bridge_of(&self, address: &IpNet) -> Bridge {
        let listing = self.namespace.ip("-json address show type bridge");
        let bridges: Vec<Bridge> = serde_json::from_str(&listing).expect("ip prints JSON");
        bridges
            .into_iter()
            .find(|bridge| bridge.address_in(address).is_some())
            .unwrap_or_else(|| panic!("no bridge of {} is in {address}: {listing}", self.name()))
    }
}

impl Pod {
    /// Its IPv4 address.
    ///
    /// # Panics
    /// Where it has none.
    pub fn v4(&self) -> IpAddr {
        self.address(IpAddr::is_ipv4)
    }

    /// Its IPv6 address.
    ///
    /// # Panics
    /// Where it has none.
    pub fn v6(&self) -> IpAddr {
        self.address(IpAddr::is_ipv6)
    }

    /// All its addresses.
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.addresses.iter().map(IpNet::addr).collect()
    }

    /// Runs `ip` with these words, as an administrator of the pod does.
    pub fn ip(&self, words: &str) -> String {
        self.namespace.ip(words)
    }

    fn address(&self, family: fn(&IpAddr) -> bool) -> IpAddr {
        self.addresses().into_iter().find(family).expect("an address of this family")
    }
}

/// What `ip -json address` says of a bridge. It also prints `{}` for every other interface.
#[derive(Deserialize)]
struct Bridge {
    #[serde(default)]
    ifname: String,
    #[serde(default)]
    addr_info: Vec<AddressInfo>,
}

#[derive(Deserialize)]
struct AddressInfo {
    local: IpAddr,
}

impl Bridge {
    fn address_in(&self, net: &IpNet) -> Option<IpAddr> {
        self.addr_info.iter().map(|info| info.local).find(|local| net.contains(local))
    }
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no address with a prefix length"))
}
