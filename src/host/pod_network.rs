//! What pods need of this machine: the bridge with the canary, forwarding, the way to
//! them, and a firewall that lets them through.

mod firewall;
mod rules;
mod sweep;
mod traces;

use ipnet::IpNet;
use linux::Family;
use linux::sysctl::{self, ReversePathFilter};
use provider_api::{Change, Error, ErrorKind, Observed, Result};

use crate::fault::{self, Point};
use crate::host::{Directories, NetworkState, Session};
use crate::proof::Canary;

pub(super) use firewall::{FirewallSeen, concerns};
pub use sweep::sweep;
pub(super) use traces::bridges_that_stay;

/// What every network carries (RFC 8200, section 5), before one is known.
const SMALLEST_MTU: u32 = 1280;

const FORWARDS: &str = "pods reach other nodes through this one";
const ADVERTISED: &str = "it goes on taking router advertisements";
const LOOSE: &str = "a pod's packet may come back another way than it went";

/// An error of the kernel's, as the host tells it.
pub(super) fn kernel(cause: linux::Error) -> Error {
    let what = cause.to_string();
    if cause.is_permission() {
        return Error::new(ErrorKind::Denied, "not-root", what).fix("run moorline as root");
    }
    if cause.is_missing_program() {
        return Error::new(ErrorKind::Unsupported, "program-missing", what);
    }
    if matches!(cause, linux::Error::InTheWay { .. }) {
        return Error::new(ErrorKind::Conflict, "in-the-way", what);
    }
    Error::unavailable("kernel", what)
}

/// The bridge and the canary on it, with what the network carries, the ip rules and the
/// firewall; changes only what differs. Tells what that is, for people.
pub(super) async fn ensure(
    session: &Session,
    directories: &Directories,
    mtu: u32,
    observed: Option<&Observed>,
) -> Result<String> {
    let state = session.network_state()?;
    let canary = canary(&state, directories, mtu);
    let seat = canary.seat().await.map_err(kernel)?;
    traces::sweep(session, &seat).await?;
    fault::point(Point::Swept);
    traces::remember(session, &canary).await?;
    fault::point(Point::Lent);
    let changes = canary.ensure().await.map_err(kernel)?;
    fault::point(Point::Bridged);
    let told = told(&canary).await?;
    if !trace(&changes).is_empty() {
        session.note(as_one(String::new(), told.clone()));
    }
    rules::ensure(session, &state.desired.pod_cidrs).await?;
    for key in strict(&state) {
        turn_on(session, &key, "2", LOOSE)?;
    }
    firewall::ensure(session, observed).await?;
    fault::point(Point::Admitted);
    Ok(told)
}

/// What `forward` and `ensure` would change.
pub(super) async fn plan(
    state: &NetworkState,
    directories: &Directories,
    observed: Option<&Observed>,
    firewall: &mut FirewallSeen,
) -> Result<Vec<Change>> {
    let mut changes: Vec<Change> = families(&state.desired.pod_cidrs)
        .filter(|family| !sysctl::forwarding(*family).unwrap_or(false))
        .map(|family| set(sysctl::forwarding_key(family), "0", "1", FORWARDS))
        .collect();
    if families(&state.desired.pod_cidrs).any(|family| family == Family::Ipv6) {
        let keys = router_advertisements(state)?;
        changes.extend(keys.iter().map(|key| set(key, "1", "2", ADVERTISED)));
    }
    changes.extend(strict(state).iter().map(|key| set(key, "1", "2", LOOSE)));
    let mtu = state.membership.as_ref().map_or(SMALLEST_MTU, |membership| membership.mtu);
    changes.extend(canary(state, directories, mtu).plan().await.map_err(kernel)?);
    changes.extend(rules::plan(&state.desired.pod_cidrs).await?);
    changes.extend(firewall.plan(state, observed).await?);
    Ok(changes)
}

/// Takes away the rules of the firewall and of routing, the canary, and the bridge where it is
/// ours and nothing else hangs on it.
pub(super) async fn remove(
    session: &Session,
    state: &NetworkState,
    directories: &Directories,
) -> Result<()> {
    firewall::remove(session).await?;
    rules::ensure(session, &[]).await?;
    let canary = canary(state, directories, 0);
    let told = told(&canary).await?;
    let changes = canary.remove().await.map_err(kernel)?;
    traces::sweep(session, "").await?;
    if !trace(&changes).is_empty() {
        session.note(as_one(told, String::new()));
    }
    Ok(())
}

/// Each step for the log; people are told of all of them as one.
fn trace(changes: &[Change]) -> &[Change] {
    for change in changes {
        tracing::debug!(%change, "pod network");
    }
    changes
}

fn as_one(from: String, to: String) -> Change {
    Change { subject: "pod network".to_owned(), from, to, why: String::new() }
}

/// This node's canary, as it is to be.
pub(super) fn canary(state: &NetworkState, directories: &Directories, mtu: u32) -> Canary {
    Canary {
        bridge: state.pod_bridge.clone(),
        pod_cidrs: state.desired.pod_cidrs.clone(),
        mtu,
        namespace: directories.canary(),
    }
}

async fn told(canary: &Canary) -> Result<String> {
    if canary.pod_cidrs.is_empty() {
        return Ok("this member has no pods".to_owned());
    }
    let bridge = canary.seat().await.map_err(kernel)?;
    Ok(format!("{} on {bridge}, with a canary", list(&canary.pod_cidrs)))
}

/// Pod CIDRs, for people.
pub(super) fn list(pod_cidrs: &[IpNet]) -> String {
    pod_cidrs.iter().map(IpNet::to_string).collect::<Vec<_>>().join(" and ")
}

/// Turns forwarding on for the families of these pods, and remembers what it was. Stays on
/// when Moorline leaves: others may have come to need it.
pub(super) fn forward(session: &Session, pod_cidrs: &[IpNet]) -> Result<()> {
    for family in families(pod_cidrs) {
        if family == Family::Ipv6 {
            for key in router_advertisements(&session.network_state()?)? {
                turn_on(session, &key, "2", ADVERTISED)?;
            }
        }
        turn_on(session, sysctl::forwarding_key(family), "1", FORWARDS)?;
    }
    Ok(())
}

fn families(pod_cidrs: &[IpNet]) -> impl Iterator<Item = Family> {
    let has = |family| pod_cidrs.iter().any(|cidr| Family::from(*cidr) == family);
    Family::BOTH.into_iter().filter(move |family| has(*family))
}

/// With forwarding on, an interface takes router advertisements only at `accept_ra` 2: one
/// that lives by them would lose its default route (kernel documentation, ip-sysctl). The
/// settings that are still at 1; no router speaks on loopback and in the network itself.
fn router_advertisements(state: &NetworkState) -> Result<Vec<String>> {
    if sysctl::forwarding(Family::Ipv6).map_err(kernel)? {
        return Ok(Vec::new());
    }
    let network = state.membership.as_ref().map(|membership| membership.interface.as_str());
    let interfaces = sysctl::interfaces().map_err(kernel)?.into_iter();
    let outer = interfaces.filter(|name| name != "lo" && Some(name.as_str()) != network);
    let keys = outer.map(|interface| format!("net/ipv6/conf/{interface}/accept_ra"));
    Ok(keys.filter(|key| sysctl::read(key).is_ok_and(|value| value == "1")).collect())
}

/// The settings of the interfaces on the pods' way that filter by reverse path strictly. The
/// greater value of an interface's own and that of all interfaces is in force.
fn strict(state: &NetworkState) -> Vec<String> {
    if !state.desired.pod_cidrs.iter().any(|cidr| Family::from(*cidr) == Family::Ipv4) {
        return Vec::new();
    }
    let network = state.membership.as_ref().map(|membership| membership.interface.as_str());
    let on_the_way = [network, Some(state.pod_bridge.as_str())].into_iter().flatten();
    let is_strict = |name: &&str| {
        sysctl::reverse_path_filter(name).is_ok_and(|it| it == ReversePathFilter::Strict)
    };
    let keys = on_the_way.filter(is_strict).map(|it| format!("net/ipv4/conf/{it}/rp_filter"));
    keys.collect()
}

fn turn_on(session: &Session, key: &str, value: &str, why: &str) -> Result<()> {
    let was = sysctl::read(key).map_err(kernel)?;
    if was == value {
        return Ok(());
    }
    session.remember(|network| {
        network.sysctls.entry(key.to_owned()).or_insert_with(|| was.clone());
    })?;
    sysctl::write(key, value).map_err(kernel)?;
    session.note(set(key, &was, value, why));
    Ok(())
}

fn set(key: &str, was: &str, value: &str, why: &str) -> Change {
    Change {
        subject: key.to_owned(),
        from: was.to_owned(),
        to: value.to_owned(),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_has_is_no_reason_to_try_again() {
        let in_the_way = linux::Error::InTheWay { what: "x".into(), why: "y".into() };
        assert_eq!(kernel(in_the_way).kind, ErrorKind::Conflict);
    }
}
