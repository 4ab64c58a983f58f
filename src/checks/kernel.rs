//! Whether the kernel can do what is needed.

use provider_api::{Finding, RouteProgrammer, Severity};

use super::Scene;
use crate::host::KernelFact;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(kernel) = scene.survey.and_then(|survey| survey.kernel) else { return Vec::new() };
    let needed = needs(scene, kernel).into_iter().filter(|need| need.wanted && !need.there);
    needed.map(|need| lacking(&need)).collect()
}

struct Need {
    what: &'static str,
    modules: &'static str,
    wanted: bool,
    there: bool,
}

fn needs(scene: &Scene<'_>, kernel: KernelFact) -> [Need; 5] {
    let has_pods = !scene.desired.pod_cidrs.is_empty();
    let is_ours = scene.capabilities.routes == RouteProgrammer::Host;
    let need = |what, modules, wanted, there| Need { what, modules, wanted, there };
    [
        need("a bridge, which pods hang on", "bridge", has_pods, kernel.bridge),
        need("a pair of interfaces, as each pod has one", "veth", has_pods, kernel.veth),
        need(
            "a masquerade in nftables",
            "nf_tables nft_chain_nat nft_masq",
            has_pods,
            kernel.masquerade,
        ),
        need("/dev/net/tun, which the VPN's daemon needs", "tun", !is_ours, kernel.tun),
        need("an interface of WireGuard's", "wireguard", is_ours, kernel.wireguard),
    ]
}

fn lacking(need: &Need) -> Finding {
    Finding::new(
        Severity::Error,
        "kernel-lacks",
        format!("this kernel cannot make {}", need.what),
        "nothing of this network, or of its pods, works without it",
    )
    .fix(format!("modprobe -a {}; in a container, on its host", need.modules))
}

#[cfg(test)]
mod tests {
    use super::super::scenes::Machine;
    use super::*;

    const ALL: KernelFact =
        KernelFact { bridge: true, veth: true, masquerade: true, tun: true, wireguard: true };

    fn told(machine: Machine, kernel: KernelFact) -> Vec<String> {
        let machine = machine.surveyed(|survey| survey.kernel = Some(kernel));
        check(&machine.scene()).into_iter().filter_map(|finding| finding.fix).collect()
    }

    #[test]
    fn only_what_is_needed_is_missed() {
        assert_eq!(told(Machine::quiet(), ALL), [""; 0]);
        let without = KernelFact { wireguard: false, ..ALL };
        assert_eq!(told(Machine::quiet(), without), [""; 0], "the daemon does without");
        let without = KernelFact { bridge: false, tun: false, ..ALL };
        let fixes = told(Machine::quiet(), without);
        assert!(fixes[0].contains("modprobe -a bridge") && fixes[1].contains("tun"), "{fixes:?}");
        assert_eq!(told(Machine::quiet().underlay(), without).len(), 1, "no pods of ours");
        assert!(check(&Machine::quiet().scene()).is_empty(), "nobody tried");
    }
}
