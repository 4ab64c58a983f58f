//! What `NETLINK_ROUTE` tells.

use std::net::IpAddr;

use ipnet::IpNet;

use super::message::{DELETE_ROUTE, Message, NEW_ROUTE, messages, number, text};
use super::{KernelEvent, Scope};
use crate::family::Family;

// `RTM_*` of `linux/rtnetlink.h`.
const NEW_LINK: u16 = 16;
const DELETE_LINK: u16 = 17;
const NEW_ADDRESS: u16 = 20;
const DELETE_ADDRESS: u16 = 21;
const NEW_RULE: u16 = 32;
const DELETE_RULE: u16 = 33;
const NEW_SETTINGS: u16 = 80;

/// The events of a datagram; of routes, those of these tables.
pub(super) fn events(datagram: &[u8], tables: &[u32]) -> impl Iterator<Item = KernelEvent> {
    let is_wanted = |event: &KernelEvent| !matches!(event, KernelEvent::Route { table, .. } if !tables.contains(table));
    messages(datagram).filter_map(|message| event(&message)).filter(is_wanted)
}

fn event(message: &Message<'_>) -> Option<KernelEvent> {
    match message.kind {
        NEW_LINK | DELETE_LINK => link(message),
        NEW_ADDRESS | DELETE_ADDRESS => address(message),
        NEW_ROUTE | DELETE_ROUTE => route(message),
        NEW_RULE | DELETE_RULE => rule(message),
        NEW_SETTINGS => settings(message),
        _ => None,
    }
}

/// `struct ifinfomsg` and `IFLA_*` of `linux/if_link.h`. A bridge speaks of its ports in
/// messages of a family of its own, and deletes them there when they leave; the links say the
/// same.
fn link(message: &Message<'_>) -> Option<KernelEvent> {
    const HEADER: usize = 16;
    const UNSPECIFIED: u8 = 0;
    const NAME: u16 = 3;
    if message.byte(0)? != UNSPECIFIED {
        return None;
    }
    let name = text(message.attribute(HEADER, NAME)?);
    Some(KernelEvent::Link { index: message.number(4)?, name, gone: message.kind == DELETE_LINK })
}

/// `struct ifaddrmsg` and `IFA_*` of `linux/if_addr.h`. On point-to-point links `IFA_ADDRESS`
/// is the other end's.
fn address(message: &Message<'_>) -> Option<KernelEvent> {
    const HEADER: usize = 8;
    const ADDRESS: u16 = 1;
    const LOCAL: u16 = 2;
    let value = message.attribute(HEADER, LOCAL).or_else(|| message.attribute(HEADER, ADDRESS))?;
    Some(KernelEvent::Address {
        interface: message.number(4)?,
        address: ip(value)?,
        gone: message.kind == DELETE_ADDRESS,
    })
}

/// `struct rtmsg` and `RTA_*` of `linux/rtnetlink.h`.
fn route(message: &Message<'_>) -> Option<KernelEvent> {
    const HEADER: usize = 12;
    const DESTINATION: u16 = 1;
    const TABLE: u16 = 15;
    let any = family(message)?.any();
    let to = message.attribute(HEADER, DESTINATION).and_then(ip).unwrap_or(any);
    let table = message.attribute(HEADER, TABLE).and_then(number);
    Some(KernelEvent::Route {
        table: table.or_else(|| message.byte(4).map(u32::from))?,
        destination: IpNet::new(to, message.byte(1)?).ok()?,
        gone: message.kind == DELETE_ROUTE,
    })
}

/// `struct fib_rule_hdr` and `FRA_*` of `linux/fib_rules.h`.
fn rule(message: &Message<'_>) -> Option<KernelEvent> {
    const HEADER: usize = 12;
    const PRIORITY: u16 = 6;
    Some(KernelEvent::Rule {
        family: family(message)?,
        priority: message.attribute(HEADER, PRIORITY).and_then(number).unwrap_or(0),
        gone: message.kind == DELETE_RULE,
    })
}

/// `struct netconfmsg` and `NETCONFA_*` of `linux/netconf.h`.
fn settings(message: &Message<'_>) -> Option<KernelEvent> {
    const HEADER: usize = 4;
    const INTERFACE: u16 = 1;
    const FORWARDING: u16 = 2;
    const RP_FILTER: u16 = 3;
    let told = |wanted| message.attribute(HEADER, wanted).is_some();
    if !told(FORWARDING) && !told(RP_FILTER) {
        return None;
    }
    let scope = match message.attribute(HEADER, INTERFACE).and_then(number)?.cast_signed() {
        -1 => Scope::All,
        -2 => Scope::Default,
        index => Scope::Interface(index.cast_unsigned()),
    };
    Some(KernelEvent::Forwarding { family: family(message)?, scope })
}

/// The family, which every header starts with.
fn family(message: &Message<'_>) -> Option<Family> {
    const INET: u8 = 2;
    const INET6: u8 = 10;
    match message.byte(0)? {
        INET => Some(Family::Ipv4),
        INET6 => Some(Family::Ipv6),
        _ => None,
    }
}

fn ip(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => value.first_chunk::<4>().map(|bytes| IpAddr::from(*bytes)),
        16 => value.first_chunk::<16>().map(|bytes| IpAddr::from(*bytes)),
        _ => None,
    }
}
