//! Causes as findings: what is so, why it matters, what helps.

use std::net::IpAddr;

use linux::nftables::Chain;
use provider_api::{Finding, Severity};

use super::cause::{Cause, Direction};
use super::evidence::{Here, Setting};

/// Whose canary did not answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) peer: &'a str,
    pub(super) canary: IpAddr,
    pub(super) severity: Severity,
}

const NO_PODS: &str = "pods here and there cannot reach each other";

/// The cause, for people.
pub(super) fn finding(cause: &Cause, subject: Subject<'_>, here: &Here) -> Finding {
    let Words { code, what, why, fix } = words(cause, subject, here);
    let severity = match cause {
        Cause::NoCanaryThere => Severity::Warning,
        _ => subject.severity,
    };
    let finding = Finding::new(severity, code, what, why);
    if fix.is_empty() { finding } else { finding.fix(fix) }
}

struct Words {
    code: &'static str,
    what: String,
    why: String,
    fix: String,
}

impl Words {
    fn new(code: &'static str, what: String, fix: String) -> Self {
        Words { code, what, why: NO_PODS.to_owned(), fix }
    }

    fn why(self, why: impl Into<String>) -> Self {
        Words { why: why.into(), ..self }
    }
}

fn words(cause: &Cause, subject: Subject<'_>, here: &Here) -> Words {
    match cause {
        Cause::ForwardingOffHere(_)
        | Cause::CutOff { .. }
        | Cause::NoRoute
        | Cause::WrongWayOut { .. }
        | Cause::WrongWayBack { .. }
        | Cause::ReversePath { .. } => routing_here(cause, subject, here),
        Cause::FirewallHere { chain, rule, direction } => {
            firewall_here(chain, rule.as_deref(), *direction, here)
        }
        Cause::LostHere { policies, direction } => {
            lost_here(policies.as_deref(), *direction, subject, here)
        }
        Cause::OwnMtu | Cause::NarrowPath { .. } | Cause::MtuHole { .. } => {
            size(cause, subject, here)
        }
        Cause::ForwardingOffThere
        | Cause::FirewallThere
        | Cause::Refused { .. }
        | Cause::NothingReturns
        | Cause::NoCanaryThere
        | Cause::Untold => beyond(cause, subject),
    }
}

fn routing_here(cause: &Cause, subject: Subject<'_>, here: &Here) -> Words {
    let Subject { peer, canary, .. } = subject;
    let Here { bridge, interface, .. } = here;
    match cause {
        Cause::ForwardingOffHere(setting) => forwarding_off(setting),
        Cause::CutOff { why } => Words::new(
            "canary-cut-off",
            match why {
                Some(why) => format!("this node's canary cannot send to {canary}: {why}"),
                None => format!("echoes get lost between this node's canary and {bridge}"),
            },
            "moorline up".to_owned(),
        )
        .why("without a working canary nothing can be proven"),
        Cause::WrongWayOut { interface: Some(other) } => Words::new(
            "route-elsewhere",
            format!("packets for {peer}'s pods leave by {other}, and not by {interface}"),
            format!("ip route get {canary}   # find the route or rule that comes first"),
        ),
        Cause::WrongWayBack { interface: other } => Words::new(
            "own-pods-elsewhere",
            format!("packets for this node's own pods leave by {other}, and not by {bridge}"),
            "ip rule list; ip route show table all   # find the route that takes this pod CIDR; \
             `moorline up` puts its guard rule back"
                .to_owned(),
        ),
        Cause::ReversePath { interface } => Words::new(
            "rp-filter-here",
            format!("answers come in by {interface} and its strict reverse-path filter drops them"),
            format!(
                "sysctl -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.{interface}.rp_filter=2"
            ),
        ),
        _ => Words::new(
            "route-missing",
            format!("this node has no route to {canary}, {peer}'s pods, by {interface}"),
            "moorline up".to_owned(),
        ),
    }
}

fn forwarding_off(setting: &Setting) -> Words {
    let Setting { family, key } = setting;
    Words::new(
        "forwarding-off-here",
        format!("this kernel does not forward {family}: {key} is 0"),
        format!("sysctl -w {key}=1"),
    )
    .why("no packet gets from this node's pods to the network, or back")
}

fn firewall_here(chain: &Chain, rule: Option<&str>, direction: Direction, here: &Here) -> Words {
    let Chain { family, table, name } = chain;
    let by = match rule {
        Some(rule) => format!("the rule `{rule}`"),
        None => "its policy, drop".to_owned(),
    };
    let packets = packets(direction);
    Words::new(
        "firewall-here",
        format!(
            "the firewall of this node drops {packets}: table {family} {table}, chain {name}, by {by}"
        ),
        accept(chain, direction, here),
    )
}

fn packets(direction: Direction) -> &'static str {
    match direction {
        Direction::Request => "its pods' packets to other nodes",
        Direction::Reply => "other nodes' answers to its pods",
    }
}

/// Rules that let the pods' packets through that chain. A rule of `iptables-nft` must be
/// written by its own command, or that command will not read the table again.
fn accept(chain: &Chain, direction: Direction, here: &Here) -> String {
    let Chain { family, table, name } = chain;
    let Here { bridge, interface, .. } = here;
    let (from, to) = match direction {
        Direction::Request => (bridge, interface),
        Direction::Reply => (interface, bridge),
    };
    let command = if family == "ip6" { "ip6tables" } else { "iptables" };
    match (family.as_str(), table.as_str()) {
        ("ip" | "ip6", "filter") => format!("{command} -I {name} -i {from} -o {to} -j ACCEPT"),
        _ => format!("nft insert rule {family} {table} {name} iifname {from} oifname {to} accept"),
    }
}

fn lost_here(
    policies: Option<&[Chain]>,
    direction: Direction,
    subject: Subject<'_>,
    here: &Here,
) -> Words {
    let packets = packets(direction);
    let Subject { peer, .. } = subject;
    match policies {
        Some([chain, ..]) => firewall_here(chain, None, direction, here),
        Some([]) | None => Words::new(
            "lost-here",
            format!("this node loses {packets} ({peer}), and no firewall rule was seen to do it"),
            "nft list ruleset; iptables-legacy -S; ip rule list   # look for what drops them"
                .to_owned(),
        ),
    }
}

fn size(cause: &Cause, subject: Subject<'_>, here: &Here) -> Words {
    let Subject { peer, canary, .. } = subject;
    let Here { mtu, bridge, .. } = here;
    match cause {
        Cause::OwnMtu => Words::new(
            "mtu-here",
            format!("packets of the network's MTU, {mtu} bytes, do not fit through {bridge}"),
            "moorline up".to_owned(),
        ),
        Cause::NarrowPath { from, mtu: narrow } => Words::new(
            "mtu-narrow",
            format!(
                "the way to {peer}'s pods carries {narrow} bytes, says {from}; the network's MTU \
                 is {mtu}"
            ),
            format!("make the MTU {mtu} at {from}, or the network's MTU {narrow} on every node"),
        )
        .why("connections stall wherever that message is filtered"),
        Cause::MtuHole { largest: Some(largest) } => Words::new(
            "mtu-hole",
            format!(
                "packets larger than {largest} bytes vanish on the way to {peer} ({canary}); the \
                 network's MTU is {mtu}"
            ),
            format!(
                "let ICMP `fragmentation needed` and `packet too big` through on the way, or set \
                 the MTU of the links below the network so that {mtu} bytes fit"
            ),
        )
        .why("connections open and then stall, and nobody says why"),
        _ => Words::new(
            "mtu-hole",
            format!("packets of {mtu} bytes vanish on the way to {peer} ({canary})"),
            "moorline status   # finds the largest size that crosses".to_owned(),
        )
        .why("connections open and then stall, and nobody says why"),
    }
}

fn beyond(cause: &Cause, subject: Subject<'_>) -> Words {
    let Subject { peer, canary, .. } = subject;
    match cause {
        Cause::ForwardingOffThere => Words::new(
            "forwarding-off-at-peer",
            format!("{peer} itself answers, but forwards nothing to its pods ({canary})"),
            format!(
                "on {peer}: sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1, or \
                 `moorline up`"
            ),
        ),
        Cause::FirewallThere => Words::new(
            "firewall-at-peer",
            format!("{peer} forwards, but its firewall drops packets to or from {canary}"),
            format!("on {peer}: moorline status   # names the table and the chain"),
        ),
        Cause::Refused { from } => Words::new(
            "refused",
            format!("{from} refuses packets to {peer}'s pods ({canary})"),
            format!("on {from}: accept forwarding to and from {peer}'s pods in the firewall"),
        ),
        Cause::NoCanaryThere => Words::new(
            "peer-without-canary",
            format!("{peer} serves a pod CIDR, but has no canary at {canary}"),
            format!("on {peer}: moorline up"),
        )
        .why("nobody is there to answer, so nothing is known of its pods"),
        Cause::NothingReturns => Words::new(
            "one-direction",
            format!("requests to {peer}'s pods ({canary}) leave this node, and nothing comes back"),
            format!(
                "let the policy allow both directions between the pods (moorline policy print); \
                 on {peer}: moorline status"
            ),
        ),
        _ => Words::new(
            "no-answer",
            format!("{peer}'s canary {canary} does not answer, and the firewall here is unknown"),
            "apt-get install nftables, then moorline status".to_owned(),
        ),
    }
}
