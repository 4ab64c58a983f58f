//! Whether a tunnel of the CNI's, inside the VPN, sends more than the VPN carries.

use provider_api::{Finding, RouteMode, Severity};

use super::Scene;

/// Interfaces that CNIs tunnel through, with what each packet grows by, in bytes.
const TUNNELS: [(&str, u32); 6] = [
    ("flannel.", 50),
    ("flannel-wg", 80),
    ("cilium_vxlan", 50),
    ("cilium_wg", 80),
    ("vxlan.calico", 50),
    ("wireguard.cali", 80),
];

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(observed) = scene.observed.filter(|_| scene.desired.mode == RouteMode::Underlay)
    else {
        return Vec::new();
    };
    let links = scene.facts.links.iter();
    let tunnels = links.filter_map(|link| Some((link, growth(&link.name)?)));
    tunnels
        .filter(|(link, growth)| link.mtu + growth > observed.mtu)
        .map(|(link, growth)| {
            let most = observed.mtu.saturating_sub(growth);
            Finding::new(
                Severity::Warning,
                "tunnel-in-tunnel",
                format!(
                    "{} sends up to {} bytes and {growth} of its own, and {} carries {}",
                    link.name, link.mtu, observed.interface, observed.mtu
                ),
                "large packets are cut in two or lost: pods see a thousandth of the speed, or \
                 connections that open and then stall",
            )
            .fix(format!(
                "give the CNI an MTU of {most}, or leave the pods to Moorline: --mode routed"
            ))
        })
        .collect()
}

fn growth(name: &str) -> Option<u32> {
    TUNNELS.iter().find(|(start, _)| name.starts_with(start)).map(|(_, growth)| *growth)
}

#[cfg(test)]
mod tests {
    use super::super::scenes::Machine;
    use super::check;

    #[test]
    fn a_tunnel_must_leave_room_for_itself() {
        let with = |mtu| Machine::quiet().link("flannel.1", mtu, &["10.42.3.0/32"]).underlay();
        assert_eq!(check(&with(1230).scene()), []);
        let told = check(&with(1231).scene());
        assert_eq!(told[0].code, "tunnel-in-tunnel");
        assert!(told[0].fix.as_ref().is_some_and(|fix| fix.contains("MTU of 1230")), "{told:?}");
        let routed = Machine::quiet().link("flannel.1", 1450, &["10.42.3.0/32"]);
        assert_eq!(check(&routed.scene()), [], "an unused leftover");
    }
}
