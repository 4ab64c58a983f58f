//! What the firewall is to do for pods. Pure.
//!
//! ```text
//!   table inet moorline        forward       the largest segment that fits through the network
//!                              postrouting   the node's address for what leaves the cluster
//!   chain MOORLINE-FORWARD     in tables of others that drop by default: pods may pass
//! ```

use ipnet::IpNet;
use linux::Family;
use linux::nftables::{Guest, Table};

use crate::proof::PASSING_CHAIN;

/// The sets of the addresses that the cluster's other nodes have in the VPN.
pub(super) const NODES: [(Family, &str); 2] = [(Family::Ipv4, "nodes4"), (Family::Ipv6, "nodes6")];

/// What the firewall is to know of this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ruleset {
    /// The VPN's interface; none before the node is a member.
    pub interface: Option<String>,
    /// This node's own share of the pods. Never empty.
    pub pod_cidrs: Vec<IpNet>,
    /// All the cluster's pods.
    pub cluster_cidrs: Vec<IpNet>,
    /// The cluster's services.
    pub service_cidrs: Vec<IpNet>,
}

/// The one table that is all ours.
pub(super) fn table() -> Table {
    Table::inet("moorline")
}

/// The chain of ours in tables of others.
pub(super) fn guest(pod_cidrs: &[IpNet]) -> Guest {
    Guest { chain: PASSING_CHAIN.to_owned(), accepts: pod_cidrs.to_vec() }
}

impl Ruleset {
    /// What stands in the table, but for who the nodes are: they come and go.
    pub(super) fn body(&self) -> String {
        let sets = NODES.iter().map(|(family, name)| {
            let kind = if *family == Family::Ipv4 { "ipv4_addr" } else { "ipv6_addr" };
            format!("  set {name} {{\n    type {kind}\n  }}")
        });
        let chains = [
            chain("forward", "type filter hook forward priority mangle", self.clamp()),
            chain("postrouting", "type nat hook postrouting priority srcnat", self.translate()),
        ];
        sets.chain(chains).collect::<Vec<_>>().join("\n")
    }

    /// Pods that know nothing of the VPN's MTU would send segments that do not fit, and wait
    /// for an ICMP message that many a firewall drops. Takes the smaller MTU of both ways.
    fn clamp(&self) -> Vec<String> {
        let clamp = "tcp flags syn / syn,rst tcp option maxseg size set rt mtu";
        let ways = self.interface.iter().flat_map(|interface| {
            ["iifname", "oifname"].map(|way| format!("{way} \"{interface}\" {clamp}"))
        });
        ways.collect()
    }

    /// Only what pods begin comes here: an answer keeps what its connection has.
    fn translate(&self) -> Vec<String> {
        Family::BOTH.into_iter().flat_map(|family| self.translate_family(family)).collect()
    }

    fn translate_family(&self, family: Family) -> Vec<String> {
        let (ip, multicast) = match family {
            Family::Ipv4 => ("ip", "224.0.0.0/4"),
            Family::Ipv6 => ("ip6", "ff00::/8"),
        };
        let pods = list(of_family(&self.pod_cidrs, family));
        if pods.is_empty() {
            return Vec::new();
        }
        let inside = list(of_family(&self.cluster_cidrs, family));
        let services = list(of_family(&self.service_cidrs, family));
        let inside = [&inside, &services, multicast].into_iter().filter(|one| !one.is_empty());
        let inside = inside.collect::<Vec<_>>().join(", ");
        let nodes = NODES.iter().filter(|(of, _)| *of == family);
        let to_node = self.interface.iter().zip(nodes).map(|(interface, (_, nodes))| {
            format!("{ip} saddr {{ {pods} }} oifname \"{interface}\" {ip} daddr @{nodes} return")
        });
        let outside =
            format!("{ip} saddr {{ {pods} }} {ip} daddr != {{ {inside} }} masquerade fully-random");
        to_node.chain([outside]).collect()
    }
}

fn chain(name: &str, head: &str, rules: Vec<String>) -> String {
    let rules: String = rules.iter().map(|rule| format!("    {rule}\n")).collect();
    format!("  chain {name} {{\n    {head}; policy accept;\n{rules}  }}")
}

fn of_family(nets: &[IpNet], family: Family) -> impl Iterator<Item = &IpNet> {
    nets.iter().filter(move |net| Family::from(**net) == family)
}

fn list<T: ToString>(members: impl Iterator<Item = T>) -> String {
    members.map(|one| one.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(text: &[&str]) -> Vec<IpNet> {
        text.iter().map(|net| net.parse().unwrap()).collect()
    }

    fn ruleset() -> Ruleset {
        Ruleset {
            interface: Some("tailscale0".into()),
            pod_cidrs: nets(&["10.42.1.0/24", "2001:cafe:42:1::/64"]),
            cluster_cidrs: nets(&["10.42.0.0/16", "2001:cafe:42::/48"]),
            service_cidrs: nets(&["10.43.0.0/16"]),
        }
    }

    #[test]
    fn both_families() {
        let wanted = r#"  set nodes4 {
    type ipv4_addr
  }
  set nodes6 {
    type ipv6_addr
  }
  chain forward {
    type filter hook forward priority mangle; policy accept;
    iifname "tailscale0" tcp flags syn / syn,rst tcp option maxseg size set rt mtu
    oifname "tailscale0" tcp flags syn / syn,rst tcp option maxseg size set rt mtu
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr { 10.42.1.0/24 } oifname "tailscale0" ip daddr @nodes4 return
    ip saddr { 10.42.1.0/24 } ip daddr != { 10.42.0.0/16, 10.43.0.0/16, 224.0.0.0/4 } masquerade fully-random
    ip6 saddr { 2001:cafe:42:1::/64 } oifname "tailscale0" ip6 daddr @nodes6 return
    ip6 saddr { 2001:cafe:42:1::/64 } ip6 daddr != { 2001:cafe:42::/48, ff00::/8 } masquerade fully-random
  }"#;
        assert_eq!(ruleset().body(), wanted);
    }

    #[test]
    fn a_family_without_pods_is_left_alone() {
        let ruleset =
            Ruleset { pod_cidrs: nets(&["10.42.1.0/24"]), service_cidrs: vec![], ..ruleset() };
        let body = ruleset.body();
        assert!(!body.contains("ip6 "), "{body}");
        assert!(body.contains("ip daddr != { 10.42.0.0/16, 224.0.0.0/4 } masquerade"), "{body}");
    }
}
