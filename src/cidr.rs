//! How CIDRs lie to each other. The one place that says what counts as a node's share.

use ipnet::IpNet;

/// Whether two CIDRs have an address in common.
pub fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

/// Whether `outer` holds all of `inner`, and more.
pub fn holds(outer: &IpNet, inner: &IpNet) -> bool {
    outer.contains(inner) && outer != inner
}

/// Whether a route can be a node's share of the cluster: inside one of its CIDRs, and smaller.
/// A route as wide as the cluster is no node's share: closer routes win over it.
pub fn is_share(route: &IpNet, cluster_cidrs: &[IpNet]) -> bool {
    cluster_cidrs.iter().any(|cluster| holds(cluster, route))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn one_inside_the_other_overlaps_whichever_is_named_first() {
        let (wide, narrow) = (net("10.42.0.0/16"), net("10.42.3.0/24"));
        assert!(overlap(&wide, &narrow) && overlap(&narrow, &wide) && overlap(&wide, &wide));
        assert!(!overlap(&narrow, &net("10.42.4.0/24")));
        assert!(!overlap(&net("::/0"), &net("0.0.0.0/0")), "families have no address in common");
    }

    #[test]
    fn a_share_is_smaller_than_the_cluster() {
        let clusters = [net("10.42.0.0/16"), net("2001:cafe:42::/48")];
        for share in ["10.42.3.0/24", "10.42.0.0/17", "2001:cafe:42:1::/64"] {
            assert!(is_share(&net(share), &clusters), "{share}");
        }
        for other in ["10.42.0.0/16", "10.0.0.0/8", "10.43.0.0/24", "2001:cafe:42::/48"] {
            assert!(!is_share(&net(other), &clusters), "{other}");
        }
    }
}
