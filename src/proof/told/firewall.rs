//! What this machine's firewall does to pods' packets.

use linux::nftables::Chain;

use super::{Subject, Words};
use crate::proof::cause::Direction;
use crate::proof::evidence::Here;

pub(super) fn words(chain: &Chain, rule: Option<&str>, direction: Direction, here: &Here) -> Words {
    let Chain { family, table, name } = chain;
    let by = match rule {
        Some(rule) => format!("the rule `{rule}`"),
        None => "its policy, drop".to_owned(),
    };
    let packets = packets(direction);
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
    let (packets, peer) = (packets(direction), subject.peer);
    Words::new(
        "lost-here",
        format!("this node loses {packets} ({peer}), and no firewall rule was seen to do it"),
        "nft list ruleset; iptables-legacy -S; ip rule list   # look for what drops them",
    )
}

fn packets(direction: Direction) -> &'static str {
    match direction {
        Direction::Request => "its pods' packets to other nodes",
        Direction::Reply => "other nodes' answers to its pods",
    }
}

/// Rules that let the pods' packets through that chain. A policy drops both ways; a rule of
/// the chain may drop only the one that was seen.
fn accept(chain: &Chain, rule: Option<&str>, direction: Direction, here: &Here) -> String {
    let Here { bridge, interface, .. } = here;
    let out = accept_way(chain, bridge, interface);
    let back = accept_way(chain, interface, bridge);
    match (rule, direction) {
        (None, _) => format!("{out}\n{back}"),
        (Some(_), Direction::Request) => out,
        (Some(_), Direction::Reply) => back,
    }
}

/// A table of `iptables-nft` must be written by its own command, or that command will not
/// read it again.
fn accept_way(chain: &Chain, from: &str, to: &str) -> String {
    let Chain { family, table, name } = chain;
    match (family.as_str(), table.as_str()) {
        ("ip", "filter") => format!("iptables -I {name} -i {from} -o {to} -j ACCEPT"),
        ("ip6", "filter") => format!("ip6tables -I {name} -i {from} -o {to} -j ACCEPT"),
        _ => format!("nft insert rule {family} {table} {name} iifname {from} oifname {to} accept"),
    }
}
