//! Whether strict reverse-path filtering stands on the pods' way.

use provider_api::{Finding, Severity};

use super::Scene;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    if scene.desired.pod_cidrs.is_empty() {
        return Vec::new();
    }
    let interfaces = scene.facts.strict.iter();
    interfaces.filter(|name| scene.is_own(name)).map(|name| strict(name)).collect()
}

fn strict(interface: &str) -> Finding {
    Finding::new(
        Severity::Warning,
        "rp-filter-strict",
        format!("strict reverse-path filtering is on for {interface}"),
        "a pod's packet is dropped silently whenever its way back is another interface",
    )
    .fix(format!("sysctl -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.{interface}.rp_filter=2"))
}

#[cfg(test)]
mod tests {
    use super::super::scenes::Machine;
    use super::check;

    #[test]
    fn only_interfaces_on_the_way_matter() {
        assert!(check(&Machine::quiet().strict("eth0").scene()).is_empty());
        let machine = Machine::quiet().strict("moorline0");
        assert_eq!(check(&machine.scene())[0].code, "rp-filter-strict");
    }
}
