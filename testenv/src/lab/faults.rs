//! What can be broken in a lab.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::outlet::Outlet;
use super::{Host, Lab, Namespace};

/// Something that is broken, until it is healed or the lab ends.
pub struct Fault {
    namespace: Arc<Namespace>,
    table: String,
}

/// Where on its way through a host a packet is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// On its way to the host itself.
    Input,
    /// On its way through.
    Forward,
    /// On its way from the host itself.
    Output,
}

impl Fault {
    /// Drops what matches these lines, before anybody else's rules see it.
    fn new(namespace: Arc<Namespace>, hook: Hook, matches: &[String]) -> Fault {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let table = format!("fault{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let hook = match hook {
            Hook::Input => "input",
            Hook::Forward => "forward",
            Hook::Output => "output",
        };
        let rules: String = matches.iter().map(|rule| format!("{rule} counter drop\n")).collect();
        namespace.nft(&format!(
            "table inet {table} {{ chain drops {{
                type filter hook {hook} priority -300;\n{rules}
            }}; }}"
        ));
        Fault { namespace, table }
    }

    /// Makes it whole again.
    pub fn heal(self) {
        self.namespace.nft(&format!("delete table inet {}", self.table));
    }

    /// How many packets it has dropped.
    ///
    /// # Panics
    /// Where somebody else removed its rules.
    pub fn dropped(&self) -> u64 {
        let args = ["-j", "list", "table", "inet", &self.table];
        let listing = self.namespace.output("nft", &args, "").stdout;
        let listing: serde_json::Value = serde_json::from_slice(&listing).expect("nft prints JSON");
        let rules = listing["nftables"].as_array().expect("a table's objects");
        let counters = rules.iter().flat_map(|rule| rule["rule"]["expr"].as_array()).flatten();
        counters.filter_map(|part| part["counter"]["packets"].as_u64()).sum()
    }
}

impl Lab {
    /// Loses every packet between two hosts that has more bytes, and tells nobody.
    pub fn mtu_hole(&self, a: &Host, b: &Host, bytes: u16) -> Fault {
        for host in [a, b] {
            host.send_packets_one_by_one();
        }
        let rules = [(a, b), (b, a)].map(|(from, to)| between(from, to, &longer_than(bytes)));
        self.on_the_way(&rules)
    }

    /// Loses every packet from one host to another, but not back.
    pub fn one_way_block(&self, from: &Host, to: &Host) -> Fault {
        self.on_the_way(&[between(from, to, "")])
    }

    /// Loses every packet between two hosts.
    pub fn partition(&self, a: &Host, b: &Host) -> Fault {
        self.on_the_way(&[between(a, b, ""), between(b, a, "")])
    }

    /// Loses so many of a hundred packets between two hosts.
    pub fn loss(&self, a: &Host, b: &Host, percent: u8) -> Fault {
        let dice = format!("numgen random mod 100 < {percent}");
        self.on_the_way(&[between(a, b, &dice), between(b, a, &dice)])
    }

    /// Loses everything from and to a host, while its link stays up: a half-open world.
    pub fn silence(&self, host: &Host) -> Fault {
        let address = host.outlet.address;
        self.on_the_way(&[format!("ip saddr {address}"), format!("ip daddr {address}")])
    }

    /// Loses a host's UDP, as strict networks do: only the relay is left.
    pub fn no_udp(&self, host: &Host) -> Fault {
        let address = host.outlet.address;
        self.on_the_way(&[
            format!("ip saddr {address} meta l4proto udp"),
            format!("ip daddr {address} meta l4proto udp"),
        ])
    }

    /// An address that swallows everything.
    pub fn black_hole(&self) -> IpAddr {
        let site = self.inner.site();
        self.inner.internet.swallow(&site);
        site.address.addr().into()
    }

    fn on_the_way(&self, matches: &[String]) -> Fault {
        Fault::new(self.inner.internet.namespace(), Hook::Forward, matches)
    }
}

impl Host {
    /// Drops what matches, in nftables' words, such as `icmp type echo-reply`.
    pub fn drops(&self, hook: Hook, what: &str) -> Fault {
        Fault::new(Arc::clone(&self.namespace), hook, &[what.to_owned()])
    }

    /// Drops what it should forward, unless a rule says otherwise, as docker sets it up.
    pub fn forward_policy_drop(&self) {
        for command in ["iptables", "ip6tables"] {
            let output = self.namespace.output(command, &["-P", "FORWARD", "DROP"], "");
            assert!(output.status.success(), "{command}: {output:?}");
        }
    }

    /// Drops packets that come from where their answers would not go.
    pub fn strict_rp_filter(&self) {
        self.namespace.sysctls(&[
            ("net/ipv4/conf/all/rp_filter", "1"),
            ("net/ipv4/conf/default/rp_filter", "1"),
        ]);
    }

    /// Switches forwarding, for both families.
    pub fn forwarding(&self, on: bool) {
        let bit = if on { "1" } else { "0" };
        self.namespace
            .sysctls(&[("net/ipv4/ip_forward", bit), ("net/ipv6/conf/all/forwarding", bit)]);
    }

    /// Reads a sysctl of this host, such as `net/ipv4/ip_forward`.
    ///
    /// # Panics
    /// Where there is none of this name.
    pub fn sysctl(&self, key: &str) -> String {
        let path = format!("/proc/sys/{key}");
        self.namespace.run(move || std::fs::read_to_string(&path).expect("a sysctl")).trim().into()
    }

    /// Pulls the cable of the host, or of its router.
    pub fn unplug(&self) {
        self.outlet.namespace.ip(&format!("link set dev {} down", self.outlet.leg));
    }

    /// Puts it back in. The route to the internet went with the link, and comes
    /// back; an IPv6 address does not.
    pub fn plug(&self) {
        let Outlet { namespace, leg, gateway, .. } = &self.outlet;
        namespace.ip(&format!("link set dev {leg} up"));
        namespace.ip(&format!("route replace default via {gateway} dev {leg}"));
    }

    /// Runs `ip` with these words, as an administrator of the host does.
    pub fn ip(&self, words: &str) -> String {
        self.namespace.ip(words)
    }

    /// Runs `nft` with this script, as an administrator of the host does.
    pub fn nft(&self, script: &str) -> String {
        self.namespace.nft(script)
    }

    /// Else many packets cross as one large one, and their length says nothing.
    fn send_packets_one_by_one(&self) {
        let Outlet { namespace, leg, .. } = &self.outlet;
        namespace.ip(&format!("link set dev {leg} gso_max_segs 1"));
        self.namespace.ip("link set dev eth0 gso_max_segs 1");
    }
}

/// nftables counts the IP header in, as an MTU does.
fn longer_than(bytes: u16) -> String {
    format!("meta length > {bytes}")
}

fn between(from: &Host, to: &Host, what: &str) -> String {
    format!("ip saddr {} ip daddr {} {what}", from.outlet.address, to.outlet.address)
}
