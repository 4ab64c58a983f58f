//! Rules that keep the networks on this node's own links in the table `main`. Pure.
//!
//! With `RouteAll` the routes that other nodes serve come into table 52, which is looked at
//! before `main`: somebody's approved /16 would take this node's own /24 away (seen with
//! 1.102.3). Own pods are the host's to keep.

use std::collections::BTreeSet;

use ipnet::IpNet;
use linux::route::MAIN;
use linux::rule::Rule;

/// The preference of our rules: ahead of tailscaled's 5210 to 5270.
pub(crate) const RULE_PRIORITY: u32 = 5180;

/// The rules for these networks on the node's own links, but for those of its pods.
pub(crate) fn protected(connected: &[IpNet], pod_cidrs: &[IpNet]) -> Vec<Rule> {
    let all: BTreeSet<IpNet> = connected.iter().map(IpNet::trunc).collect();
    let is_pods = |net: &IpNet| pod_cidrs.iter().any(|cidr| cidr.contains(net));
    let whole = |net: &&IpNet| net.prefix_len() > 0 && !is_pods(net);
    all.iter().filter(whole).map(|net| Rule::to(RULE_PRIORITY, *net, MAIN)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_but_the_pods_has_one_rule() {
        let nets =
            |text: &[&str]| -> Vec<IpNet> { text.iter().map(|net| net.parse().unwrap()).collect() };
        let connected = nets(&["192.168.1.1/24", "192.168.1.0/24", "10.42.1.0/24", "0.0.0.0/0"]);
        let rules = protected(&connected, &nets(&["10.42.1.0/24", "2001:cafe:42:1::/64"]));
        let shown: Vec<String> = rules.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["5180: to 192.168.1.0/24 lookup 254"]);
    }
}
