//! Placing a host on the internet, or behind NATs.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::host::Host;
use super::internet::Site;
use super::outlet::Outlet;
use super::{Inner, Namespace};

/// What a router makes of the ports of the hosts behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nat {
    /// Keeps a source port to every destination: peers can find it.
    PortKeeping,
    /// Another port to every destination: peers cannot.
    Symmetric,
}

/// A host that is not there yet.
#[must_use = "a host is there once it is started"]
pub struct HostBuilder {
    lab: Arc<Inner>,
    name: String,
    address: Option<Ipv4Net>,
    nats: Vec<Nat>,
    forwarding: bool,
    ipv6: Ipv6,
}

/// How much of IPv6 a host has, its pods aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ipv6 {
    /// It is switched off.
    Off,
    /// Addresses of links only, as a host has where its provider offers no more.
    LinkLocal,
    /// An address on the internet, too.
    Global,
}

impl HostBuilder {
    pub(crate) fn new(lab: Arc<Inner>, name: &str) -> Self {
        let name = name.to_owned();
        HostBuilder {
            lab,
            name,
            address: None,
            nats: Vec::new(),
            forwarding: true,
            ipv6: Ipv6::LinkLocal,
        }
    }

    /// Straight on the internet, at an address of the lab's choice. That is the default.
    pub fn public(mut self) -> Self {
        self.nats.clear();
        self
    }

    /// At this address of the internet, such as `203.0.113.10`, in a /24 of its own.
    ///
    /// # Panics
    /// For text that is no IPv4 address.
    pub fn at(mut self, address: &str) -> Self {
        let address = address.parse().unwrap_or_else(|_| panic!("`{address}` is no IPv4 address"));
        self.address = Some(Ipv4Net::new(address, 24).expect("a prefix length"));
        self
    }

    /// Behind one more router, seen from the host outward.
    pub fn behind(mut self, nat: Nat) -> Self {
        self.nats.push(nat);
        self
    }

    /// With forwarding off, as a fresh machine has it.
    pub fn without_forwarding(mut self) -> Self {
        self.forwarding = false;
        self
    }

    /// With IPv6 switched off in the kernel.
    pub fn without_ipv6(mut self) -> Self {
        self.ipv6 = Ipv6::Off;
        self
    }

    /// With an IPv6 address on the internet, beside the IPv4 one; for hosts that are behind no
    /// NAT. tailscaled then takes three seconds longer to get ready: it waits for a relay that
    /// answers over IPv6. Faults between hosts are about IPv4.
    pub fn with_ipv6(mut self) -> Self {
        self.ipv6 = Ipv6::Global;
        self
    }

    /// Makes it.
    pub fn start(self) -> Host {
        let site = self.address.map_or_else(|| self.lab.site(), |address| Site { address });
        let namespace = self.lab.namespace(&self.name);
        self.configure(&namespace);
        let outlet = self.connect(&namespace, &site);
        let address = if self.nats.is_empty() { outlet.address } else { behind_router(0).addr() };
        Host::boot(self.lab, self.name, namespace, address, outlet)
    }

    fn configure(&self, namespace: &Namespace) {
        let bit = |on: bool| if on { "1" } else { "0" };
        namespace.sysctls(&[
            ("net/ipv4/ip_forward", bit(self.forwarding)),
            ("net/ipv6/conf/all/forwarding", bit(self.forwarding)),
            ("net/ipv6/conf/all/disable_ipv6", bit(self.ipv6 == Ipv6::Off)),
            ("net/ipv6/conf/default/disable_ipv6", bit(self.ipv6 == Ipv6::Off)),
        ]);
    }

    /// Wires the host to its site, through all its routers.
    fn connect(&self, host: &Arc<Namespace>, site: &Site) -> Outlet {
        let mut outermost = (Arc::clone(host), "eth0");
        for (depth, nat) in self.nats.iter().enumerate() {
            let router = self.lab.namespace(&format!("{}-nat{depth}", self.name));
            make_router(&router, *nat);
            let (inside, leg) = std::mem::replace(&mut outermost, (Arc::clone(&router), "wan"));
            attach(&inside, leg, &router, depth);
        }
        let (namespace, leg) = outermost;
        self.lab.internet.plug(&namespace, leg, &self.name, site);
        let address6 = (self.ipv6 == Ipv6::Global && self.nats.is_empty()).then(|| {
            self.lab.internet.plug6(&namespace, leg, &self.name, site);
            site.address6().addr()
        });
        Outlet { namespace, leg, address: site.address.addr(), address6, gateway: site.gateway() }
    }
}

/// The address behind a router of this depth: home networks, then a carrier's.
fn behind_router(depth: usize) -> Ipv4Net {
    let address = match depth {
        0 => Ipv4Addr::new(192, 168, 1, 10),
        deeper => Ipv4Addr::new(172, 20, u8::try_from(deeper).expect("few routers"), 10),
    };
    Ipv4Net::new(address, 24).expect("a prefix length")
}

/// Plugs the interface `leg` of `inside` into the router's inner side.
fn attach(inside: &Namespace, leg: &str, router: &Namespace, depth: usize) {
    let site = Site { address: behind_router(depth) };
    inside.cable(leg, router, "lan");
    let gateway = Ipv4Net::new(site.gateway(), 24).expect("a prefix length");
    router.ip(&format!("address add {gateway} dev lan"));
    router.ip("link set dev lan up");
    inside.ip(&format!("address add {} dev {leg}", site.address));
    inside.ip(&format!("link set dev {leg} up"));
    inside.ip(&format!("route add default via {} dev {leg}", site.gateway()));
}

/// Drops what comes unasked: else a peer's first packet would leave an entry that takes the
/// inner host's port away, and a port-keeping router would look symmetric.
fn make_router(router: &Namespace, nat: Nat) {
    let masquerade = match nat {
        Nat::PortKeeping => "masquerade",
        Nat::Symmetric => "masquerade random,fully-random",
    };
    router.sysctls(&[("net/ipv4/ip_forward", "1")]);
    router.nft(&format!(
        "table ip router {{
            chain postrouting {{ type nat hook postrouting priority srcnat; oifname wan {masquerade}; }}
            chain input {{ type filter hook input priority 0; iifname wan ct state new drop; }}
            chain forward {{ type filter hook forward priority 0; iifname wan ct state new drop; }}
        }}"
    ));
}
