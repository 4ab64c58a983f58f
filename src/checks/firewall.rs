//! Whether this machine's firewall can be seen.

use provider_api::{Finding, Severity};

use super::Scene;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    if scene.facts.nft {
        return Vec::new();
    }
    let unknown = Finding::new(
        Severity::Warning,
        "firewall-unknown",
        "this machine's firewall cannot be listed with `nft`, nor written",
        "pods do not leave the cluster, and do not pass a firewall that drops by default; who \
         else marks packets goes unseen, and a rule that drops them cannot be named",
    );
    vec![unknown.fix("apt install nftables; nft list ruleset")]
}

#[cfg(test)]
mod tests {
    use super::super::scenes::Machine;
    use super::check;

    #[test]
    fn a_firewall_that_nobody_can_list_is_told() {
        let codes =
            |machine: Machine| check(&machine.scene()).into_iter().map(|finding| finding.code);
        assert_eq!(codes(Machine::quiet()).count(), 0);
        assert_eq!(codes(Machine::quiet().without_nft()).collect::<Vec<_>>(), ["firewall-unknown"]);
    }
}
