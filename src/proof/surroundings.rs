//! What this machine does with pods' packets, as far as it can be read.

use std::net::IpAddr;

use ipnet::IpNet;
use linux::nftables::{self, BaseChain, Chain};
use linux::route::Route;
use linux::sysctl::{self, ReversePathFilter};
use linux::{Family, Netlink, Result};

use super::Request;
use super::evidence::{Here, Setting};

/// Reads the settings that stand on the pods' way, but for the firewall's.
pub(super) async fn look(request: &Request) -> Result<Here> {
    let bridge = bridge(request).await?;
    let interface = request.interface.clone();
    let not_forwarding = match request.canary {
        Some(_) => not_forwarding(&request.pod_cidrs, &bridge, &interface),
        None => Vec::new(),
    };
    Ok(Here {
        between: request.between,
        // An interface that is gone filters nothing.
        strict_reverse_path: sysctl::reverse_path_filter(&interface)
            .is_ok_and(|filter| filter == ReversePathFilter::Strict),
        bridge,
        interface,
        mtu: request.mtu,
        not_forwarding,
        unserved: request.unserved.clone(),
        drop_policies: None,
    })
}

/// The chain of ours that lets pods pass, in tables of others that drop by default.
pub const PASSING_CHAIN: &str = "MOORLINE-FORWARD";

/// The chains that drop what no rule accepts, but for those that ask ours first; none where that
/// cannot be told.
pub(super) async fn drop_policies() -> Option<Vec<Chain>> {
    let ruleset = nftables::ruleset().await.inspect_err(|error| tracing::debug!(%error)).ok()?;
    let asks = |chain: &Chain| {
        ruleset.rules.iter().any(|rule| {
            rule.target() == Some(PASSING_CHAIN)
                && (&rule.family, &rule.table, &rule.chain)
                    == (&chain.family, &chain.table, &chain.name)
        })
    };
    let chains = ruleset.drop_policies("forward").map(BaseChain::chain);
    Some(chains.filter(|chain| !asks(chain)).collect())
}

/// The interface by which this machine would send to an address.
pub(super) async fn way(netlink: &Netlink, to: IpAddr) -> Option<String> {
    netlink.lookup(to).await.ok().flatten().and_then(|route: Route| route.interface)
}

/// The bridge that really has the pods: another one may have been adopted.
async fn bridge(request: &Request) -> Result<String> {
    let links = Netlink::open()?.links().await?;
    let inside =
        |address: &IpNet| request.pod_cidrs.iter().any(|cidr| cidr.contains(&address.addr()));
    let found =
        links.into_iter().find(|link| link.is_bridge() && link.addresses.iter().any(inside));
    Ok(found.map_or_else(|| request.pod_bridge.clone(), |link| link.name))
}

fn not_forwarding(pod_cidrs: &[IpNet], bridge: &str, interface: &str) -> Vec<Setting> {
    let has = |family: &Family| pod_cidrs.iter().any(|cidr| Family::from(*cidr) == *family);
    let families = Family::BOTH.into_iter().filter(has);
    families.flat_map(|family| off(family, bridge, interface)).collect()
}

/// IPv4 forwards what came in by an interface whose own setting is on; IPv6 asks the one
/// setting for all (`ip-sysctl.rst`).
fn off(family: Family, bridge: &str, interface: &str) -> Vec<Setting> {
    let main = sysctl::forwarding_key(family).to_owned();
    let own = |name: &str| format!("net/ipv4/conf/{name}/forwarding");
    let is_off = |key: &String| sysctl::read(key).is_ok_and(|value| value == "0");
    let keys = match family {
        Family::Ipv4 if is_off(&main) => vec![main],
        Family::Ipv4 => vec![own(bridge), own(interface)],
        Family::Ipv6 => vec![main],
    };
    keys.into_iter().filter(is_off).map(|key| Setting { family, key }).collect()
}
