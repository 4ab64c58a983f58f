//! What was left on bridges beside the pod bridge of now: remembered before, taken back after.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use provider_api::{Change, Finding, Result, Severity};

use super::kernel;
use crate::host::{NetworkState, Session};
use crate::proof::{self, Canary};

/// Remembers the addresses that are about to be added to somebody else's bridge.
pub(super) async fn remember(session: &Session, canary: &Canary) -> Result<()> {
    let additions = canary.additions().await.map_err(kernel)?;
    if additions.is_empty() {
        return Ok(());
    }
    session.remember(|network| {
        for (bridge, address) in additions {
            network.lent.entry(bridge).or_default().insert(address);
        }
    })
}

/// Takes back what pods that hang on this bridge need no more.
pub(super) async fn sweep(session: &Session, seat: &str) -> Result<()> {
    let state = session.network_state()?;
    for (bridge, address) in unneeded(&state.lent, seat, &state.desired.pod_cidrs) {
        proof::take_off(&bridge, address).await.map_err(kernel)?;
        session.note(removed(format!("address of {bridge}"), address.to_string()));
        session.remember(|network| forget(&mut network.lent, &bridge, address))?;
    }
    for bridge in &state.earlier_bridges {
        // One with pods on it is left until they are gone.
        if proof::remove_bridge(bridge).await.map_err(kernel)? {
            session.note(removed(format!("interface {bridge}"), "present".to_owned()));
            session.remember(|network| {
                network.earlier_bridges.remove(bridge);
            })?;
        }
    }
    Ok(())
}

/// The bridges of ours that a node that left keeps, for the pods on them.
pub(in crate::host) async fn bridges_that_stay(before: &NetworkState) -> Result<Vec<Finding>> {
    let mut stay = Vec::new();
    for bridge in before.earlier_bridges("") {
        let pods = proof::pods_on(&bridge).await.map_err(kernel)?;
        stay.extend((pods > 0).then(|| stays(&bridge, pods)));
    }
    Ok(stay)
}

fn stays(bridge: &str, pods: usize) -> Finding {
    let hang = if pods == 1 { "interface hangs" } else { "interfaces hang" };
    Finding::new(
        Severity::Info,
        "bridge-stays",
        format!("the bridge {bridge} stays, since {pods} {hang} on it"),
        "pods of this node would lose each other and their way out with it",
    )
    .fix(format!("once they are gone: ip link delete {bridge}"))
}

/// The addresses on another bridge than this, and those outside the pod CIDRs.
fn unneeded(
    lent: &BTreeMap<String, BTreeSet<IpNet>>,
    seat: &str,
    pod_cidrs: &[IpNet],
) -> Vec<(String, IpNet)> {
    let all = lent.iter().flat_map(|(bridge, addresses)| {
        addresses.iter().map(move |address| (bridge.clone(), *address))
    });
    let is_needed = |(bridge, address): &(String, IpNet)| {
        bridge == seat && pod_cidrs.contains(&address.trunc())
    };
    all.filter(|one| !is_needed(one)).collect()
}

fn forget(lent: &mut BTreeMap<String, BTreeSet<IpNet>>, bridge: &str, address: IpNet) {
    if let Some(addresses) = lent.get_mut(bridge) {
        addresses.remove(&address);
    }
    lent.retain(|_, addresses| !addresses.is_empty());
}

fn removed(subject: String, from: String) -> Change {
    Change { subject, from, to: String::new(), why: "no pods of this node need it".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_needed_on_the_bridge_of_now_for_the_pods_of_now() {
        let lent = BTreeMap::from([
            ("cni0".to_owned(), BTreeSet::from([net("10.42.1.1/24"), net("10.42.2.1/24")])),
            ("old0".to_owned(), BTreeSet::from([net("10.42.2.1/24")])),
        ]);
        let gone = unneeded(&lent, "cni0", &[net("10.42.2.0/24")]);
        let told: Vec<_> = gone.iter().map(|(bridge, at)| format!("{at} {bridge}")).collect();
        assert_eq!(told, ["10.42.1.1/24 cni0", "10.42.2.1/24 old0"]);
        assert_eq!(unneeded(&lent, "", &[net("10.42.2.0/24")]).len(), 3, "leaving needs none");
    }

    #[test]
    fn a_bridge_without_addresses_of_ours_is_forgotten() {
        let address = net("10.42.1.1/24");
        let mut lent = BTreeMap::from([("cni0".to_owned(), BTreeSet::from([address]))]);
        forget(&mut lent, "cni0", address);
        assert!(lent.is_empty());
    }
}
