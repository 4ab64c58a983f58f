//! Where echoes pass on this machine: an own nftables table that only counts, and marks for
//! tracing. It is put up while there is trouble, and taken down after.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use linux::Result;
use linux::nftables::{Counter, Table};

use super::evidence::Counted;

/// Before every other chain sees a packet, connection tracking too (-200).
const EARLY: i32 = -450;
/// After every other chain, source translation too (100).
const LATE: i32 = 450;

/// One pair of canaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) own: IpAddr,
    pub(super) peer: IpAddr,
}

/// The table of the counters.
pub(super) fn table() -> Table {
    Table::inet("moorline_proof")
}

/// What stands in the table.
pub(super) fn body(pairs: &[Pair], bridge: &str, interface: &str) -> String {
    let mut counters = String::new();
    let mut early = chain("early", "prerouting", EARLY);
    let mut late = chain("late", "postrouting", LATE);
    for (number, pair) in pairs.iter().enumerate() {
        for name in NAMES {
            line(&mut counters, &format!("counter {name}_{number} {{ }}"));
        }
        let Words { ip, icmp } = words(pair.peer);
        let Pair { own, peer } = pair;
        let request = format!("{ip} daddr {peer} {icmp} type echo-request");
        let reply = format!("{ip} saddr {peer} {icmp} type echo-reply");
        let count = |name| format!("counter name \"{name}_{number}\"");
        for rule in [
            format!("iifname \"{bridge}\" {ip} saddr {own} {request} {}", count("request_in")),
            format!("iifname \"{interface}\" {reply} {}", count("reply_in")),
            format!("iifname != \"{interface}\" {reply} {}", count("reply_astray")),
            format!("{ip} saddr {own} {request} meta nftrace set 1"),
            format!("{reply} meta nftrace set 1"),
        ] {
            line(&mut early, &rule);
        }
        for rule in [
            format!("oifname \"{interface}\" {request} {}", count("request_out")),
            format!("oifname != \"{interface}\" {request} {}", count("request_astray")),
            format!("oifname \"{bridge}\" {ip} daddr {own} {reply} {}", count("reply_out")),
        ] {
            line(&mut late, &rule);
        }
    }
    format!("{counters}{early}}}\n{late}}}")
}

/// What was counted for each of so many pairs.
pub(super) async fn read(pairs: usize) -> Result<Vec<Counted>> {
    let counters = table().counters().await?;
    Ok((0..pairs).map(|number| counted(&counters, number)).collect())
}

const NAMES: [&str; 6] =
    ["request_in", "request_out", "request_astray", "reply_in", "reply_astray", "reply_out"];

fn counted(counters: &BTreeMap<String, Counter>, number: usize) -> Counted {
    let [request_in, request_out, request_astray, reply_in, reply_astray, reply_out] = NAMES
        .map(|name| counters.get(&format!("{name}_{number}")).map_or(0, |found| found.packets));
    Counted { request_in, request_out, request_astray, reply_in, reply_astray, reply_out }
}

struct Words {
    ip: &'static str,
    icmp: &'static str,
}

fn words(address: IpAddr) -> Words {
    match address {
        IpAddr::V4(_) => Words { ip: "ip", icmp: "icmp" },
        IpAddr::V6(_) => Words { ip: "ip6", icmp: "icmpv6" },
    }
}

fn chain(name: &str, hook: &str, priority: i32) -> String {
    format!("chain {name} {{\ntype filter hook {hook} priority {priority}; policy accept;\n")
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
