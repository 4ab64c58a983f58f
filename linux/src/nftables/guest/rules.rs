//! The guest's own rules, as text to write and as JSON to read. They are plain enough for
//! `iptables-nft` to read too: it refuses to work on a table with a rule that it cannot say.

use ipnet::IpNet;
use serde_json::Value;

use super::{Guest, legacy};
use crate::nftables::ChainRule;

/// Which address of a packet.
const ENDS: [&str; 2] = ["saddr", "daddr"];

/// The rules in a table of this family; none where it sees no packets of these networks.
pub(super) fn wanted(guest: &Guest, family: &str) -> Vec<String> {
    let sees = |net: &&IpNet| match family {
        "inet" => true,
        legacy::IPV4 => net.addr().is_ipv4(),
        legacy::IPV6 => net.addr().is_ipv6(),
        one => one == word(net),
    };
    let nets = guest.accepts.iter().filter(sees);
    nets.flat_map(|net| ENDS.map(|end| format!("{} {end} {net}", word(net)))).collect()
}

/// Whether these are those rules.
pub(super) fn are(rules: &[ChainRule], wanted: &[String]) -> bool {
    let read: Option<Vec<String>> = rules.iter().map(read).collect();
    read.is_some_and(|read| read == wanted)
}

/// What a rule accepts; none where it does anything else.
fn read(rule: &ChainRule) -> Option<String> {
    let mut statements = rule.statements.iter().filter(|one| one.get("counter").is_none());
    let found = statements.next()?.get("match")?;
    let is_accept = statements.next()?.get("accept").is_some() && statements.next().is_none();
    if !is_accept || found.get("op")? != "==" {
        return None;
    }
    let payload = found.pointer("/left/payload")?;
    let [protocol, field] = ["protocol", "field"].map(|key| payload.get(key)?.as_str());
    Some(format!("{} {} {}", protocol?, field?, net(found.get("right")?)?))
}

/// A single address is listed without its length.
fn net(listed: &Value) -> Option<IpNet> {
    let Some(prefix) = listed.get("prefix") else {
        return listed.as_str()?.parse().ok().map(|address: std::net::IpAddr| address.into());
    };
    let length = prefix.get("len")?.as_u64()?.try_into().ok()?;
    IpNet::new(prefix.get("addr")?.as_str()?.parse().ok()?, length).ok()
}

/// The protocol, and the family of tables for it alone.
fn word(net: &IpNet) -> &'static str {
    if net.addr().is_ipv4() { "ip" } else { "ip6" }
}
