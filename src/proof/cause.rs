//! Why a canary did not answer, as far as the evidence tells. Pure.

use std::net::IpAddr;

use ipnet::IpNet;
use linux::icmp::{Outcome as Echoed, Reason};
use linux::nftables::{Chain, Dropped};

use super::evidence::{Between, CanaryEvidence, Counted, Here, Setting, Trouble};

/// Why a canary did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// This machine's routing.
    Routing(Routing),
    /// This machine's firewall was seen to drop it.
    Firewall { chain: Chain, rule: Option<String>, direction: Direction },
    /// It was lost on this machine; these chains drop what no rule accepts.
    Lost { policies: Option<Vec<Chain>>, direction: Direction },
    /// Small packets cross, full ones do not.
    Size(Size),
    /// Nothing is wrong on this machine, as far as can be told.
    Beyond(Beyond),
}

/// What this machine's routing does to the packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Routing {
    /// It does not forward.
    ForwardingOff(Setting),
    /// The canary's own packets do not come off the bridge, or not back to it.
    CutOff { why: Option<String> },
    /// It has no route to the peer's pods, or not by the network's interface.
    NoRoute,
    /// Its routes send requests out by another interface.
    WrongWayOut { interface: String },
    /// Its routes take the own pods' packets elsewhere.
    WrongWayBack { interface: String },
    /// The reverse-path filter of this interface drops the answers.
    ReversePath { interface: String },
}

/// What keeps full packets from crossing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Size {
    /// They do not fit through this machine's own interface.
    Own,
    /// A router on the way says that it carries less.
    Narrow { from: IpAddr, mtu: u32 },
    /// They vanish on the way, and nobody says so.
    Hole { largest: Option<u32> },
    /// Somebody on the way refuses them, and says so.
    Refused { from: IpAddr },
}

/// What may be wrong at the peer, or on the way there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Beyond {
    /// The peer's machine does not forward.
    ForwardingOff,
    /// The peer's machine forwards, but not this.
    Firewall,
    /// Somebody on the way refuses it, and says so.
    Refused { from: IpAddr },
    /// Requests leave here, and nothing comes back.
    NothingReturns(Silence),
    /// There may be nobody to answer.
    NoCanary,
    /// Nothing comes back, and what the firewall here does cannot be told.
    Untold,
    /// Nothing comes back, and others were looked at more closely.
    NotExamined,
}

/// What is known where requests leave here, and nothing comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Silence {
    /// This node itself is answered, and its pods are not: the network has no way back to them.
    NoWayBack { pod_cidr: IpNet },
    /// This node itself is answered, and its pods are not.
    OwnPods,
    /// The peer itself answers, and its pods do not.
    PeersPods,
    /// The peer's packets arrive here, and ours do not arrive there.
    OneDirection,
    /// Nothing comes back from the peer itself either.
    Complete,
    /// The peer itself was not asked.
    Unknown,
}

/// Which of the two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From here to the peer.
    Request,
    /// From the peer to here.
    Reply,
}

/// Why this canary did not answer, small or full; none where it did.
pub(super) fn cause(canary: &CanaryEvidence, here: &Here) -> Option<Cause> {
    match (&canary.small, &canary.full) {
        (Echoed::Reply { .. }, Some(Echoed::Reply { .. })) => None,
        (Echoed::Reply { .. }, Some(full)) => Some(Cause::Size(of_size(full, canary.largest))),
        (small, _) => Some(of_silence(small, canary, here)),
    }
}

fn of_size(full: &Echoed, largest: Option<u32>) -> Size {
    match full {
        Echoed::LocalTooBig | Echoed::NotSent { .. } => Size::Own,
        Echoed::PacketTooBig { from, mtu } => Size::Narrow { from: *from, mtu: *mtu },
        Echoed::Unreachable { from, .. } => Size::Refused { from: *from },
        Echoed::Silence | Echoed::TimeExceeded { .. } | Echoed::Reply { .. } => {
            Size::Hole { largest }
        }
    }
}

fn of_silence(small: &Echoed, canary: &CanaryEvidence, here: &Here) -> Cause {
    let family = canary.canary.into();
    if let Some(setting) = here.not_forwarding.iter().find(|setting| setting.family == family) {
        return Cause::Routing(Routing::ForwardingOff(setting.clone()));
    }
    if let Echoed::NotSent { why } = small {
        return Cause::Routing(Routing::CutOff { why: Some(why.clone()) });
    }
    let Some(trouble) = &canary.trouble else { return Cause::Beyond(Beyond::NotExamined) };
    on_this_machine(trouble, canary, here)
        .unwrap_or_else(|| Cause::Beyond(beyond(small, trouble, canary, here)))
}

/// What this machine did to the packets, where it is to blame.
fn on_this_machine(trouble: &Trouble, canary: &CanaryEvidence, here: &Here) -> Option<Cause> {
    if let Some(dropped) = trouble.dropped.first() {
        return Some(firewall(dropped, canary));
    }
    match &trouble.counted {
        Some(counted) => passage(counted, trouble, canary, here),
        None => wrong_way(trouble, here).map(Cause::Routing),
    }
}

/// Where the packets were last seen.
fn passage(
    counted: &Counted,
    trouble: &Trouble,
    canary: &CanaryEvidence,
    here: &Here,
) -> Option<Cause> {
    let lost = |direction| Cause::Lost { policies: policies(canary, here), direction };
    let cut_off = Some(Cause::Routing(Routing::CutOff { why: None }));
    match *counted {
        Counted { request_in: 0, request_out: 0, request_astray: 0, .. } => cut_off,
        Counted { request_out: 0, request_astray: 1.., .. } => {
            Some(Cause::Routing(wrong_way_out(trouble, here).unwrap_or(Routing::NoRoute)))
        }
        Counted { request_out: 0, .. } => {
            let wrong = wrong_way(trouble, here).map(Cause::Routing);
            Some(wrong.unwrap_or_else(|| lost(Direction::Request)))
        }
        Counted { reply_out: 1.., .. } => cut_off,
        Counted { reply_in: 0, reply_astray: 0, .. } => None,
        Counted { .. } => {
            let wrong = wrong_way_back(trouble, here).or_else(|| reverse_path(trouble, here));
            Some(wrong.map_or_else(|| lost(Direction::Reply), Cause::Routing))
        }
    }
}

/// The chains that see packets of the canary's family.
fn policies(canary: &CanaryEvidence, here: &Here) -> Option<Vec<Chain>> {
    let own = if canary.canary.is_ipv4() { "ip" } else { "ip6" };
    let sees = |chain: &&Chain| chain.family == own || chain.family == "inet";
    Some(here.drop_policies.as_ref()?.iter().filter(sees).cloned().collect())
}

fn wrong_way(trouble: &Trouble, here: &Here) -> Option<Routing> {
    wrong_way_back(trouble, here).or_else(|| wrong_way_out(trouble, here))
}

fn wrong_way_out(trouble: &Trouble, here: &Here) -> Option<Routing> {
    match &trouble.way_out {
        None => Some(Routing::NoRoute),
        Some(way) if *way == here.interface => None,
        Some(way) => Some(Routing::WrongWayOut { interface: way.clone() }),
    }
}

fn wrong_way_back(trouble: &Trouble, here: &Here) -> Option<Routing> {
    let elsewhere = trouble.way_back.as_ref().filter(|way| is_elsewhere(way, &here.bridge));
    elsewhere.map(|way| Routing::WrongWayBack { interface: way.clone() })
}

/// The filter drops an answer that this machine would not send to by the same interface.
fn reverse_path(trouble: &Trouble, here: &Here) -> Option<Routing> {
    let drops = here.strict_reverse_path && wrong_way_out(trouble, here).is_some();
    drops.then(|| Routing::ReversePath { interface: here.interface.clone() })
}

/// `lo` is the way to an address of this machine's own: a node without pods probes from one.
fn is_elsewhere(way: &str, bridge: &str) -> bool {
    way != bridge && way != "lo"
}

fn firewall(dropped: &Dropped, canary: &CanaryEvidence) -> Cause {
    let direction = match dropped.destination == canary.canary {
        true => Direction::Request,
        false => Direction::Reply,
    };
    let Dropped { chain, rule, .. } = dropped.clone();
    Cause::Firewall { chain, rule, direction }
}

/// The requests left, as far as is known, and no answer came: what do others say?
fn beyond(small: &Echoed, trouble: &Trouble, canary: &CanaryEvidence, here: &Here) -> Beyond {
    if let Echoed::Unreachable { from, reason } = small {
        return match (reason, here.between) {
            (Reason::NoSuchHost | Reason::NoRoute, Between::Pods) => Beyond::NoCanary,
            (_, Between::Nodes) | (Reason::Prohibited | Reason::Other(_), Between::Pods) => {
                Beyond::Refused { from: *from }
            }
        };
    }
    let forwards = matches!(trouble.last_hop, Echoed::TimeExceeded { .. });
    match (trouble.gateway.is_reply(), forwards) {
        (_, true) => Beyond::Firewall,
        (true, false) => Beyond::ForwardingOff,
        (false, false) if trouble.counted.is_none() => Beyond::Untold,
        (false, false) => Beyond::NothingReturns(silence(trouble, canary, here)),
    }
}

/// Nothing of what this node's pods sent was answered there: what was answered to the node?
fn silence(trouble: &Trouble, canary: &CanaryEvidence, here: &Here) -> Silence {
    let answers = |asked: &Option<Echoed>| asked.as_ref().map(Echoed::is_reply);
    let unserved = here.unserved.iter().find(|cidr| cidr.contains(&canary.source));
    match (answers(&trouble.from_node), answers(&trouble.node)) {
        (Some(true), _) => match unserved {
            Some(pod_cidr) => Silence::NoWayBack { pod_cidr: *pod_cidr },
            None => Silence::OwnPods,
        },
        (_, Some(true)) => Silence::PeersPods,
        (..) if trouble.heard => Silence::OneDirection,
        (_, Some(false)) => Silence::Complete,
        (_, None) => Silence::Unknown,
    }
}
