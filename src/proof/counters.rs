//! Where echoes pass on this machine: an own nftables table that only counts, and marks for
//! tracing. It is put up while there is trouble, and taken down after.

use std::collections::BTreeMap;
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

/// What stands in the table. A canary's packets come off the bridge and go back to it; those
/// of a node without pods begin and end on this machine.
pub(super) fn body(pairs: &[Pair], bridge: &str, interface: &str) -> String {
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

    fn late(&self, bridge: &str, interface: &str) -> [String; 3] {
        let Rules { request, own_reply, .. } = self;
        [
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
