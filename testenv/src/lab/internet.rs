//! The internet: one namespace that routes between sites, and catches what would leave.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use ipnet::{Ipv4Net, Ipv6Net};
use serde_json::Value;

use super::registry::Registration;
use super::{Namespace, lock};

/// Records every packet to an address that is neither of this lab nor of private use.
///
/// Private-use and shared addresses are no strays: a daemon tries every address that its peers
/// list, and those list the addresses behind their NATs and on their pod bridges. They are
/// refused all the same.
const TRAP: &str = "
table inet trap {
    set sites { type ipv4_addr; flags interval; auto-merge; }
    set sites6 { type ipv6_addr; flags interval; auto-merge; }
    set private { type ipv4_addr; flags interval; elements = {
        10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16,
        224.0.0.0/4, 255.255.255.255 } }
    set private6 { type ipv6_addr; flags interval; elements = { fc00::/7, fe80::/10, ff00::/8, ::1 } }
    set strays { type ipv4_addr . ipv4_addr . inet_proto . inet_service; size 4096; flags dynamic; }
    set strays6 { type ipv6_addr . ipv6_addr . inet_proto . inet_service; size 4096; flags dynamic; }
    chain prerouting {
        type filter hook prerouting priority raw;
        iifname lo accept
        ip daddr @sites accept
        ip6 daddr @sites6 accept
        ip daddr @private reject with icmp net-unreachable
        ip6 daddr @private6 accept
        meta l4proto { tcp, udp } add @strays { ip saddr . ip daddr . meta l4proto . th dport }
        meta l4proto { tcp, udp } add @strays6 { ip6 saddr . ip6 daddr . meta l4proto . th dport }
        meta l4proto != { tcp, udp } add @strays { ip saddr . ip daddr . meta l4proto . 0 }
        meta l4proto != { tcp, udp } add @strays6 { ip6 saddr . ip6 daddr . meta l4proto . 0 }
        reject
    }
}
";

/// The lab's internet.
pub(crate) struct Internet {
    namespace: Arc<Namespace>,
    /// Who is at which address.
    sites: Mutex<BTreeMap<String, String>>,
}

/// A piece of the internet: one subnet, with one host or router on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    /// The address on the site, with the site's prefix.
    pub(crate) address: Ipv4Net,
}

impl Site {
    /// The lab's own choice: 10.99.N.10/24. Private, because a daemon treats a control server
    /// of plain http on a public address as one that moved to https.
    pub(crate) fn numbered(number: u8) -> Site {
        let address = Ipv4Addr::new(10, 99, number, 10);
        Site { address: Ipv4Net::new(address, 24).expect("a prefix length") }
    }

    /// The host's IPv6 address on the site: of the documentation's range, with the IPv4 subnet
    /// in it.
    pub(crate) fn address6(&self) -> Ipv6Net {
        self.ipv6(0x10)
    }

    fn ipv6(&self, host: u16) -> Ipv6Net {
        let [a, b, c, _] = self.address.network().octets();
        let (upper, lower) = (u16::from_be_bytes([a, b]), u16::from(c));
        let address = Ipv6Addr::new(0x2001, 0xdb8, upper, lower, 0, 0, 0, host);
        Ipv6Net::new(address, 64).expect("a prefix length")
    }

    /// The internet's own address on the site: the first of its subnet.
    pub(crate) fn gateway(&self) -> Ipv4Addr {
        self.address.hosts().next().expect("a subnet with hosts")
    }
}

impl Internet {
    pub(crate) fn new(registration: &Registration) -> Internet {
        let namespace = Namespace::new(&registration.namespace("internet"));
        namespace.sysctls(&[
            ("net/ipv4/ip_forward", "1"),
            ("net/ipv6/conf/all/forwarding", "1"),
            ("net/ipv4/icmp_ratelimit", "0"),
        ]);
        // Without a default route the kernel would refuse strays before the trap's accepts.
        namespace.nft(TRAP);
        Internet { namespace, sites: Mutex::default() }
    }

    pub(crate) fn namespace(&self) -> Arc<Namespace> {
        Arc::clone(&self.namespace)
    }

    /// Plugs `leg`, an interface to be made in `namespace`, into this site.
    pub(crate) fn plug(&self, namespace: &Namespace, leg: &str, name: &str, site: &Site) {
        namespace.cable(leg, &self.namespace, name);
        let gateway = Ipv4Net::new(site.gateway(), site.address.prefix_len()).expect("a prefix");
        self.namespace.ip(&format!("address add {gateway} dev {name}"));
        self.namespace.ip(&format!("link set dev {name} up"));
        namespace.ip(&format!("address add {} dev {leg}", site.address));
        namespace.ip(&format!("link set dev {leg} up"));
        namespace.ip(&format!("route add default via {} dev {leg}", site.gateway()));
        self.namespace.nft(&format!("add element inet trap sites {{ {} }}", site.address.trunc()));
        lock(&self.sites).insert(site.address.addr().to_string(), name.to_owned());
    }

    /// Gives a plugged leg, and the site's end of it, IPv6 too.
    pub(crate) fn plug6(&self, namespace: &Namespace, leg: &str, name: &str, site: &Site) {
        let (address, gateway) = (site.address6(), site.ipv6(1));
        self.namespace.ip(&format!("address add {gateway} dev {name}"));
        namespace.ip(&format!("address add {address} dev {leg}"));
        namespace.ip(&format!("route add default via {} dev {leg}", gateway.addr()));
        self.namespace.nft(&format!("add element inet trap sites6 {{ {} }}", address.trunc()));
        lock(&self.sites).insert(address.addr().to_string(), name.to_owned());
    }

    /// Makes a site of which nothing ever comes back.
    pub(crate) fn swallow(&self, site: &Site) {
        let net = site.address.trunc();
        self.namespace.nft(&format!("add element inet trap sites {{ {net} }}"));
        self.namespace.nft(&format!(
            "table inet hole{1} {{ chain drops {{
                type filter hook prerouting priority -400; ip daddr {0} drop
            }}; }}",
            site.address.addr(),
            site.address.addr().to_bits()
        ));
    }

    /// What was caught: who sent it, and to which address, protocol and port.
    pub(crate) fn strays(&self) -> Vec<String> {
        let listings = ["strays", "strays6"].map(|set| {
            let args = ["-j", "list", "set", "inet", "trap", set];
            self.namespace.output("nft", &args, "").stdout
        });
        let sites = lock(&self.sites);
        listings
            .iter()
            .flat_map(|listing| elements(listing))
            .map(|stray| stray.text(&sites))
            .collect()
    }

    pub(crate) fn forgive_strays(&self) {
        self.namespace.nft("flush set inet trap strays\nflush set inet trap strays6");
    }
}

/// A packet that would have left.
struct Stray([String; 4]);

impl Stray {
    /// In a line for people, with the name of whoever is at the source address.
    fn text(&self, sites: &BTreeMap<String, String>) -> String {
        let [from, to, protocol, port] = &self.0;
        let who = sites.get(from).unwrap_or(from);
        format!("{who} -> {to} {protocol} {port}")
    }
}

/// The elements of a set, as `nft -j` lists them.
fn elements(listing: &[u8]) -> Vec<Stray> {
    let listing: Value = serde_json::from_slice(listing).expect("nft prints JSON");
    let set = listing["nftables"].as_array().into_iter().flatten();
    let elements = set.flat_map(|part| part["set"]["elem"].as_array()).flatten();
    let part = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    elements
        .map(|element| Stray([0, 1, 2, 3].map(|index| part(&element["concat"][index]))))
        .collect()
}
