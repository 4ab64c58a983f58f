//! What this machine's firewall does to pods' packets.

use linux::nftables::Chain;

use super::{Subject, Words};
use crate::proof::cause::Direction;
use crate::proof::evidence::{Between, Here};

pub(super) fn words(chain: &Chain, rule: Option<&str>, direction: Direction, here: &Here) -> Words {
    let Chain { family, table, name } = chain;
    let by = match rule {
        Some(rule) => format!("the rule `{rule}`"),
        None => "its policy, drop".to_owned(),
    };
    let packets = packets(direction, here.between);
    Words::new(
        "firewall-here",
        format!(
            "the firewall of this node drops {packets}: table {family} {table}, chain {name}, by \
             {by}"
        ),
        accept(chain, rule, direction, here),
    )
}

/// Packets that went no further, and no trace of who took them.
pub(super) fn lost(
    policies: Option<&[Chain]>,
    direction: Direction,
    subject: Subject<'_>,
    here: &Here,
) -> Words {
    if let Some([chain, ..]) = policies {
        return words(chain, None, direction, here);
    }
    let (packets, peer) = (packets(direction, here.between), subject.peer);
    Words::new(
        "lost-here",
        format!("this node loses {packets} ({peer}), and no firewall rule was seen to do it"),
        "nft list ruleset; iptables-legacy -S; ip rule list   # look for what drops them",
    )
}

fn packets(direction: Direction, between: Between) -> &'static str {
    match (direction, between) {
        (Direction::Request, Between::Pods) => "its pods' packets to other nodes",
        (Direction::Reply, Between::Pods) => "other nodes' answers to its pods",
        (Direction::Request, Between::Nodes) => "its own packets to other nodes",
        (Direction::Reply, Between::Nodes) => "other nodes' answers to it",
    }
}

/// Rules that let the pods' packets through that chain. A policy drops both ways; a rule of
/// the chain may drop only the one that was seen.
fn accept(chain: &Chain, rule: Option<&str>, direction: Direction, here: &Here) -> String {
    let (bridge, interface) = match here.between {
        Between::Pods => (Some(here.bridge.as_str()), Some(here.interface.as_str())),
        Between::Nodes => (None, Some(here.interface.as_str())),
    };
    let out = accept_way(chain, bridge, interface);
    let back = accept_way(chain, interface, bridge);
    match (rule, direction) {
        (None, _) => format!("{out}\n{back}"),
        (Some(_), Direction::Request) => out,
        (Some(_), Direction::Reply) => back,
    }
}

/// A table of `iptables-nft` must be written by its own command, or that command will not
/// read it again; one of firewalld is written anew at each reload.
fn accept_way(chain: &Chain, from: Option<&str>, to: Option<&str>) -> String {
    let Chain { family, table, name } = chain;
    if let ("firewalld", Some(from)) = (table.as_str(), from) {
        return format!("firewall-cmd --permanent --zone=trusted --change-interface={from}");
    }
    let by = |word: &str, interface: Option<&str>| {
        interface.map(|interface| format!("{word} {interface} ")).unwrap_or_default()
    };
    let legacy = format!("{}{}-j ACCEPT", by("-i", from), by("-o", to));
    let (from, to) = (by("iifname", from), by("oifname", to));
    match (family.as_str(), table.as_str()) {
        ("ip", "filter") => format!("iptables -I {name} {legacy}"),
        ("ip6", "filter") => format!("ip6tables -I {name} {legacy}"),
        _ => format!("nft insert rule {family} {table} {name} {from}{to}accept"),
    }
}
