//! Whether pods send packets that the tunnel cannot carry.

use provider_api::{Finding, Severity};

use super::Scene;
use crate::host::LinkFact;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(observed) = scene.observed else { return Vec::new() };
    let bridges = scene.facts.links.iter().filter(|link| carries_pods(scene, link));
    bridges
        .filter(|link| link.mtu > observed.mtu)
        .map(|link| too_large(link, &observed.interface, observed.mtu))
        .collect()
}

fn carries_pods(scene: &Scene<'_>, link: &LinkFact) -> bool {
    let ours = |address: &ipnet::IpNet| {
        scene.desired.pod_cidrs.iter().any(|cidr| cidr.contains(&address.addr()))
    };
    link.addresses.iter().any(ours)
}

fn too_large(link: &LinkFact, interface: &str, mtu: u32) -> Finding {
    Finding::new(
        Severity::Warning,
        "pod-mtu-too-large",
        format!(
            "pods on {} send up to {} bytes, and {interface} carries {mtu}",
            link.name, link.mtu
        ),
        "nothing clamps TCP here: where ICMP is filtered, connections open and then stall",
    )
    .fix(format!("set \"mtu\": {mtu} in the CNI configuration that makes {}", link.name))
}

#[cfg(test)]
mod tests {
    use super::super::scenes::Machine;
    use super::check;

    #[test]
    fn a_bridge_of_pods_with_more_than_the_tunnel_carries() {
        let machine = Machine::quiet().link("cni0", 1500, &["10.42.3.1/24"]);
        assert_eq!(check(&machine.scene())[0].code, "pod-mtu-too-large");
        let machine = Machine::quiet().link("cni0", 1280, &["10.42.3.1/24"]);
        assert!(check(&machine.scene()).is_empty());
        let machine = Machine::quiet().link("eth0", 1500, &["192.0.2.1/24"]);
        assert!(check(&machine.scene()).is_empty());
    }
}
