//! Rules that keep this node's own networks in the table `main`. Pure.
//!
//! With `RouteAll` the routes that other nodes serve come into table 52, which is looked at
//! before `main`: somebody's approved /16 would take this node's own /24 away (seen with
//! 1.102.3).

use std::collections::BTreeSet;

use ipnet::IpNet;
use linux::route::MAIN;
use linux::rule::Rule;

/// The preference of our rules: ahead of tailscaled's 5210 to 5270.
pub(crate) const RULE_PRIORITY: u32 = 5180;

/// The rules for these pod CIDRs and these networks on the node's own links.
pub(crate) fn protected(pod_cidrs: &[IpNet], connected: &[IpNet]) -> Vec<Rule> {
    let all: BTreeSet<IpNet> = pod_cidrs.iter().chain(connected).map(IpNet::trunc).collect();
    let whole = |net: &&IpNet| net.prefix_len() > 0;
    all.iter().filter(whole).map(|net| Rule::to(RULE_PRIORITY, *net, MAIN)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_has_one_rule() {
        let nets =
            |text: &[&str]| -> Vec<IpNet> { text.iter().map(|net| net.parse().unwrap()).collect() };
        let rules = protected(
            &nets(&["10.42.1.0/24", "2001:cafe:42:1::/64"]),
            &nets(&["10.42.1.0/24", "192.168.1.0/24", "0.0.0.0/0"]),
        );
        let shown: Vec<String> = rules.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "5180: to 10.42.1.0/24 lookup 254",
                "5180: to 192.168.1.0/24 lookup 254",
                "5180: to 2001:cafe:42:1::/64 lookup 254",
            ]
        );
    }
}
