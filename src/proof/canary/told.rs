//! Changes, for people.

use std::path::Path;

use linux::link::{LinkChange, Side};
use provider_api::Change;

const WHY: &str = "pods' bridge and canary";

pub(super) fn change(change: &LinkChange) -> Change {
    match change {
        LinkChange::CreateBridge { name, .. } => made(format!("bridge {name}"), "present"),
        LinkChange::CreateVeth { name, inside, .. } => {
            made(format!("veth pair {name}"), &format!("leads to the canary's {inside}"))
        }
        LinkChange::SetMtu { name, from, to } => Change {
            from: from.map(|mtu| mtu.to_string()).unwrap_or_default(),
            ..made(format!("MTU of {name}"), &to.to_string())
        },
        LinkChange::Attach { name, bridge } => made(format!("bridge of {name}"), bridge),
        LinkChange::AddAddress { name, address } => {
            made(format!("address of {name}"), &address.to_string())
        }
        LinkChange::RemoveAddress { name, address } => {
            removed(format!("address of {name}"), &address.to_string())
        }
        LinkChange::SetUp { name } => made(format!("state of {name}"), "up"),
        LinkChange::RouteDefault { name, gateway } => {
            made(format!("default route of {name}"), &format!("via {gateway}"))
        }
        LinkChange::Delete { name } => removed(format!("interface {name}"), "present"),
    }
}

/// A change of the canary's cable. Its inner end has a name that the machine's own interface may
/// have too.
pub(super) fn on_cable(side: Side, link_change: &LinkChange) -> Change {
    let change = change(link_change);
    match side {
        Side::Outside => change,
        Side::Inside => Change { subject: format!("{} in the canary", change.subject), ..change },
    }
}

pub(super) fn namespace_made(path: &Path) -> Change {
    made(format!("network namespace {}", path.display()), "present")
}

pub(super) fn namespace_removed(path: &Path) -> Change {
    removed(format!("network namespace {}", path.display()), "present")
}

/// The changes that others follow from: who makes a bridge gives it its address too.
pub fn causes(changes: &[Change]) -> Vec<Change> {
    let is_part = |change: &&Change| change.why == WHY && change.subject.contains(" of ");
    let is_thing = |change: &&Change| change.why == WHY && !is_part(change);
    let all = changes.iter();
    match all.clone().any(|change| is_thing(&change)) {
        true => all.filter(|change| !is_part(change)).cloned().collect(),
        false => changes.to_vec(),
    }
}

fn made(subject: String, to: &str) -> Change {
    Change { subject, from: String::new(), to: to.to_owned(), why: WHY.to_owned() }
}

fn removed(subject: String, from: &str) -> Change {
    Change { subject, from: from.to_owned(), to: String::new(), why: WHY.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects(changes: &[Change]) -> Vec<String> {
        causes(changes).into_iter().map(|change| change.subject).collect()
    }

    #[test]
    fn what_follows_from_a_thing_that_is_made_is_no_cause() {
        let bridge = made("bridge moorline0".into(), "present");
        let port = made("bridge of moorline-canary".into(), "moorline0");
        let sysctl = Change { why: String::new(), ..made("net.ipv4.ip_forward".into(), "1") };
        let all = [bridge, port.clone(), sysctl];
        assert_eq!(subjects(&all), ["bridge moorline0", "net.ipv4.ip_forward"]);
        assert_eq!(subjects(&[port]), ["bridge of moorline-canary"]);
    }
}
