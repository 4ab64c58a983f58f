//! Why a canary did not answer, as far as the evidence tells. Pure.

use std::net::IpAddr;

use linux::icmp::{Outcome as Echoed, Reason};
use linux::nftables::{Chain, Dropped};

use super::evidence::{CanaryEvidence, Counted, Here, Setting, Trouble};

/// Why a canary did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// This machine does not forward.
    ForwardingOffHere(Setting),
    /// The canary's own packets do not come off the bridge.
    CutOff { why: Option<String> },
    /// This machine has no route to the peer's pods.
    NoRoute,
    /// This machine's routes send requests out by another interface.
    WrongWayOut { interface: Option<String> },
    /// This machine's routes take the own pods' packets elsewhere.
    WrongWayBack { interface: String },
    /// This machine's firewall dropped it, for certain here.
    FirewallHere { chain: Chain, rule: Option<String>, direction: Direction },
    /// It was lost on this machine; these chains drop what no rule accepts.
    LostHere { policies: Option<Vec<Chain>>, direction: Direction },
    /// The reverse-path filter of this interface dropped the answers.
    ReversePath { interface: String },
    /// The network's MTU does not fit through this machine's own interface.
    OwnMtu,
    /// A router on the way says that it carries less.
    NarrowPath { from: IpAddr, mtu: u32 },
    /// Large packets vanish on the way, and nobody says so.
    MtuHole { largest: Option<u32> },
    /// The peer's machine does not forward.
    ForwardingOffThere,
    /// The peer's machine forwards, but not this.
    FirewallThere,
    /// Somebody on the way refuses it, and says so.
    Refused { from: IpAddr },
    /// Requests leave here, and nothing comes back.
    NothingReturns,
    /// There may be nobody to answer.
    NoCanaryThere,
    /// Nothing comes back, and what happens here cannot be told.
    Untold,
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
        (Echoed::Reply { .. }, Some(full)) => Some(of_size(full, canary.largest)),
        (small, _) => Some(of_silence(small, canary, here)),
    }
}

fn of_size(full: &Echoed, largest: Option<u32>) -> Cause {
    match full {
        Echoed::LocalTooBig | Echoed::NotSent { .. } => Cause::OwnMtu,
        Echoed::PacketTooBig { from, mtu } => Cause::NarrowPath { from: *from, mtu: *mtu },
        Echoed::Unreachable { from, .. } => Cause::Refused { from: *from },
        Echoed::Silence | Echoed::TimeExceeded { .. } | Echoed::Reply { .. } => {
            Cause::MtuHole { largest }
        }
    }
}

fn of_silence(small: &Echoed, canary: &CanaryEvidence, here: &Here) -> Cause {
    let family = canary.canary.into();
    if let Some(setting) = here.not_forwarding.iter().find(|setting| setting.family == family) {
        return Cause::ForwardingOffHere(setting.clone());
    }
    if let Echoed::NotSent { why } = small {
        return Cause::CutOff { why: Some(why.clone()) };
    }
    let Some(trouble) = &canary.trouble else { return Cause::Untold };
    on_this_machine(trouble, canary, here).unwrap_or_else(|| beyond(small, trouble))
}

/// What this machine did to the packets, where it is to blame.
fn on_this_machine(trouble: &Trouble, canary: &CanaryEvidence, here: &Here) -> Option<Cause> {
    if let Some(dropped) = trouble.dropped.first() {
        return Some(firewall(dropped, canary));
    }
    if let Some(way) = trouble.way_back.as_ref().filter(|way| is_elsewhere(way, &here.bridge)) {
        return Some(Cause::WrongWayBack { interface: way.clone() });
    }
    match &trouble.way_out {
        None => return Some(Cause::NoRoute),
        Some(way) if *way != here.interface => {
            return Some(Cause::WrongWayOut { interface: Some(way.clone()) });
        }
        Some(_) => {}
    }
    counted(trouble.counted.as_ref()?, here)
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
    Cause::FirewallHere { chain, rule, direction }
}

fn counted(counted: &Counted, here: &Here) -> Option<Cause> {
    let lost =
        |direction| Some(Cause::LostHere { policies: here.drop_policies.clone(), direction });
    match *counted {
        Counted { request_in: 0, request_out: 0, request_astray: 0, .. } => {
            Some(Cause::CutOff { why: None })
        }
        Counted { request_out: 0, request_astray: 1.., .. } => {
            Some(Cause::WrongWayOut { interface: None })
        }
        Counted { request_out: 0, .. } => lost(Direction::Request),
        Counted { reply_out: 1.., .. } => Some(Cause::CutOff { why: None }),
        Counted { reply_in: 0, reply_astray: 0, .. } => None,
        Counted { .. } if here.strict_reverse_path => {
            Some(Cause::ReversePath { interface: here.interface.clone() })
        }
        Counted { .. } => lost(Direction::Reply),
    }
}

/// The requests left, as far as is known, and no answer came: what do others say?
fn beyond(small: &Echoed, trouble: &Trouble) -> Cause {
    match small {
        Echoed::Unreachable { reason: Reason::NoSuchHost | Reason::NoRoute, .. } => {
            return Cause::NoCanaryThere;
        }
        Echoed::Unreachable { from, .. } => return Cause::Refused { from: *from },
        _ => {}
    }
    let forwards = matches!(trouble.last_hop, Echoed::TimeExceeded { .. });
    match (trouble.gateway.is_reply(), forwards) {
        (_, true) => Cause::FirewallThere,
        (true, false) => Cause::ForwardingOffThere,
        (false, false) if trouble.counted.is_none() => Cause::Untold,
        (false, false) => Cause::NothingReturns,
    }
}
