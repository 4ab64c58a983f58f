//! Whether the kernel passes pods' packets on.

use ipnet::IpNet;
use provider_api::{Finding, Severity};

use super::Scene;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let families = [
        ("IPv4", "net.ipv4.ip_forward", scene.facts.forwarding.ipv4, has_ipv4(scene)),
        ("IPv6", "net.ipv6.conf.all.forwarding", scene.facts.forwarding.ipv6, has_ipv6(scene)),
    ];
    families
        .into_iter()
        .filter(|(_, _, on, needed)| *needed && !*on)
        .map(|(family, key, _, _)| off(family, key))
        .collect()
}

fn has_ipv4(scene: &Scene<'_>) -> bool {
    scene.desired.pod_cidrs.iter().any(|cidr| matches!(cidr, IpNet::V4(_)))
}

fn has_ipv6(scene: &Scene<'_>) -> bool {
    scene.desired.pod_cidrs.iter().any(|cidr| matches!(cidr, IpNet::V6(_)))
}

fn off(family: &str, key: &str) -> Finding {
    Finding::new(
        Severity::Warning,
        "forwarding-off",
        format!("this kernel does not forward {family}: {key} is 0"),
        "pods here can reach no other node; `moorline up` turns it on, a reboot may turn it off",
    )
    .fix(format!("echo '{key} = 1' > /etc/sysctl.d/90-moorline.conf && sysctl --system"))
}

#[cfg(test)]
mod tests {
    use super::super::scenes::Machine;
    use super::check;
    use crate::host::Forwarding;

    #[test]
    fn only_the_families_of_our_pods_matter() {
        let machine = Machine::quiet().forwarding(Forwarding { ipv4: true, ipv6: false });
        assert!(check(&machine.scene()).is_empty());
        let machine = Machine::quiet().forwarding(Forwarding { ipv4: false, ipv6: true });
        assert_eq!(check(&machine.scene())[0].code, "forwarding-off");
    }
}
