//! Where echoes pass on this machine: an own nftables table that only counts, and marks for
//! tracing. It is put up while there is trouble, and taken down after.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use linux::nftables::{self, Counter, Table};
use linux::{Error, Result};

use super::evidence::{Counted, Here};

/// What the names of the tables begin with; the process id follows.
const TABLE: &str = "moorline_proof_";

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

/// Puts the counters up. Whether that worked: without `nft` nothing can be counted.
pub(super) async fn start(pairs: &[Pair], here: &Here) -> bool {
    let told = |error: &Error| tracing::warn!(%error, "cannot watch the firewall");
    let body = body(pairs, &here.bridge, &here.interface);
    table().replace(&body).await.inspect_err(told).is_ok()
}

/// What was counted for each of so many pairs, none where that is not known; takes the
/// counters down.
pub(super) async fn end(pairs: usize) -> Vec<Option<Counted>> {
    let told = |error: &Error| tracing::warn!(%error, "cannot read the firewall");
    let counters = table().counters().await.inspect_err(told).unwrap_or_default();
    drop(table().delete().await.inspect_err(told));
    (0..pairs).map(|number| counted(&counters, number)).collect()
}

/// Takes down what a process left that was killed while it watched.
///
/// # Errors
/// Where the firewall does not let us; a missing `nft` is none, as nothing was ever put up.
pub(super) async fn sweep() -> Result<()> {
    let ruleset = match nftables::ruleset().await {
        Err(error) if error.is_missing_program() => return Ok(()),
        other => other?,
    };
    let tables = ruleset.base_chains.iter().map(|chain| chain.table.as_str());
    let left: BTreeSet<&str> = tables.filter(|table| is_left(table)).collect();
    for table in left {
        Table::inet(table).delete().await?;
    }
    Ok(())
}

/// Whether a table is that of a process that is gone.
fn is_left(table: &str) -> bool {
    let process = table.strip_prefix(TABLE).and_then(|process| process.parse::<u32>().ok());
    process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists())
}

/// Each process has its own: two may look at once.
fn table() -> Table {
    Table::inet(format!("{TABLE}{}", std::process::id()))
}

/// What stands in the table. A canary's packets come off the bridge and go back to it; those
/// of a node without pods begin and end on this machine.
fn body(pairs: &[Pair], bridge: &str, interface: &str) -> String {
    let numbered = || pairs.iter().enumerate().map(|(number, pair)| Rules::new(number, *pair));
    let counters = numbered().flat_map(|rules| NAMES.map(|name| rules.counter(name)));
    let early = numbered().flat_map(|rules| rules.early(bridge, interface));
    let output = numbered().flat_map(|rules| rules.output());
    let input = numbered().map(|rules| rules.input());
    let late = numbered().flat_map(|rules| rules.late(bridge, interface));
    [
        counters.collect::<Vec<_>>().join("\n"),
        chain("early", "prerouting", EARLY, early),
        chain("output", "output", EARLY, output),
        chain("input", "input", LATE, input),
        chain("late", "postrouting", LATE, late),
    ]
    .join("\n")
}

/// The rules of one pair.
struct Rules {
    number: usize,
    request: String,
    masked: String,
    own_request: String,
    reply: String,
    own_reply: String,
}

impl Rules {
    fn new(number: usize, Pair { own, peer }: Pair) -> Self {
        let (ip, icmp) = if peer.is_ipv4() { ("ip", "icmp") } else { ("ip6", "icmpv6") };
        let request = format!("{ip} daddr {peer} {icmp} type echo-request");
        let reply = format!("{ip} saddr {peer} {icmp} type echo-reply");
        Rules {
            number,
            masked: format!("ct original {ip} saddr {own} {ip} saddr != {own} {request}"),
            own_request: format!("{ip} saddr {own} {request}"),
            own_reply: format!("{ip} daddr {own} {reply}"),
            request,
            reply,
        }
    }

    fn counter(&self, name: &str) -> String {
        format!("counter {name}_{} {{ }}", self.number)
    }

    fn count(&self, name: &str) -> String {
        format!("counter name \"{name}_{}\"", self.number)
    }

    fn early(&self, bridge: &str, interface: &str) -> [String; 5] {
        let Rules { own_request, reply, .. } = self;
        [
            format!("iifname \"{bridge}\" {own_request} {}", self.count("request_in")),
            format!("iifname \"{interface}\" {reply} {}", self.count("reply_in")),
            format!("iifname != \"{interface}\" {reply} {}", self.count("reply_astray")),
            format!("{own_request} meta nftrace set 1"),
            format!("{reply} meta nftrace set 1"),
        ]
    }

    fn output(&self) -> [String; 2] {
        let Rules { own_request, .. } = self;
        [
            format!("{own_request} {}", self.count("request_in")),
            format!("{own_request} meta nftrace set 1"),
        ]
    }

    fn input(&self) -> String {
        format!("{} {}", self.own_reply, self.count("reply_out"))
    }

    fn late(&self, bridge: &str, interface: &str) -> [String; 4] {
        let Rules { request, masked, own_reply, .. } = self;
        [
            format!("oifname \"{interface}\" {masked} {}", self.count("request_masked")),
            format!("oifname \"{interface}\" {request} {}", self.count("request_out")),
            format!("oifname != \"{interface}\" {request} {}", self.count("request_astray")),
            format!("oifname \"{bridge}\" {own_reply} {}", self.count("reply_out")),
        ]
    }
}

fn chain(name: &str, hook: &str, priority: i32, rules: impl Iterator<Item = String>) -> String {
    let rules: Vec<String> = rules.collect();
    let head = format!("type filter hook {hook} priority {priority}; policy accept;");
    format!("chain {name} {{\n{head}\n{}\n}}", rules.join("\n"))
}

const NAMES: [&str; 7] = [
    "request_in",
    "request_out",
    "request_masked",
    "request_astray",
    "reply_in",
    "reply_astray",
    "reply_out",
];

/// A counter that is gone counted nothing that is known.
fn counted(counters: &BTreeMap<String, Counter>, number: usize) -> Option<Counted> {
    let count = |name| counters.get(&format!("{name}_{number}")).map(|found| found.packets);
    Some(Counted {
        request_in: count("request_in")?,
        request_out: count("request_out")?,
        request_masked: count("request_masked")?,
        request_astray: count("request_astray")?,
        reply_in: count("reply_in")?,
        reply_astray: count("reply_astray")?,
        reply_out: count("reply_out")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_is_gone_is_unknown_and_not_zero() {
        let named = |names: &[&str]| -> BTreeMap<String, Counter> {
            let counter = Counter { packets: 3, bytes: 84 };
            names.iter().map(|name| (format!("{name}_0"), counter)).collect()
        };
        assert!(counted(&named(&NAMES), 0).is_some_and(|counted| counted.reply_out == 3));
        assert_eq!(counted(&named(&NAMES[1..]), 0), None);
        assert_eq!(counted(&named(&NAMES), 1), None);
    }

    #[test]
    fn only_the_table_of_a_process_that_is_gone_is_left() {
        assert!(is_left("moorline_proof_4294967295"));
        assert!(!is_left(&table().name));
        assert!(!is_left("moorline") && !is_left("moorline_proof_x"));
    }
}
