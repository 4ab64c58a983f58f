//! Whether somebody else on this machine uses the VPN's marks, tables or interfaces.

use provider_api::{Finding, MarkRange, Severity};

use super::Scene;
use crate::host::RuleFact;

/// Somebody who is known to use packet marks, and how to see that they are here.
struct Neighbour {
    name: &'static str,
    sign: Sign,
    /// The mark bits that they use.
    mask: u32,
}

enum Sign {
    /// An interface whose name begins so.
    Interface(&'static str),
    /// A firewall chain whose name begins so.
    Chain(&'static str),
}

const NEIGHBOURS: [Neighbour; 6] = [
    Neighbour { name: "kube-proxy", sign: Sign::Chain("KUBE-MARK-"), mask: 0x0000_c000 },
    Neighbour { name: "Calico", sign: Sign::Chain("cali-"), mask: 0xffff_0000 },
    Neighbour { name: "kube-router", sign: Sign::Chain("KUBE-ROUTER"), mask: 0x0003_0000 },
    Neighbour { name: "NetBird", sign: Sign::Interface("wt"), mask: 0x0001_ffff },
    Neighbour { name: "KubeSpan", sign: Sign::Interface("kubespan"), mask: 0x60 },
    Neighbour { name: "Cilium", sign: Sign::Interface("cilium_"), mask: 0x0000_0f00 },
];

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let neighbours = NEIGHBOURS.iter().filter(|other| is_here(scene, &other.sign));
    let marks = neighbours.filter_map(|other| shared_bits(scene, other));
    let rules = scene.facts.rules.iter().filter(|rule| is_foreign(scene, rule));
    let rules = rules.filter_map(|rule| {
        let clash = same_table(scene, rule).or_else(|| same_mark(scene, rule));
        clash.or_else(|| same_number(scene, rule))
    });
    marks.chain(rules).collect()
}

fn is_here(scene: &Scene<'_>, sign: &Sign) -> bool {
    match sign {
        Sign::Interface(start) => scene.facts.links.iter().any(|link| link.name.starts_with(start)),
        Sign::Chain(start) => scene.facts.chains.iter().any(|name| name.starts_with(start)),
    }
}

fn shared_bits(scene: &Scene<'_>, other: &Neighbour) -> Option<Finding> {
    let used = scene.capabilities.marks.iter().fold(0, |bits, mark| bits | mark.mask);
    let shared = used & other.mask;
    (shared != 0).then(|| {
        Finding::new(
            Severity::Warning,
            "marks-clash",
            format!("{} is on this machine and uses packet mark bits {shared:#x} too", other.name),
            "each clears or reads the other's marks: packets are dropped or sent the wrong way",
        )
        .fix(format!("give {} mark bits outside {used:#x}", other.name))
    })
}

/// Whether neither the provider nor Moorline made a rule.
fn is_foreign(scene: &Scene<'_>, rule: &RuleFact) -> bool {
    !rule.ours && !scene.capabilities.rules.contains(&rule.priority)
}

fn same_table(scene: &Scene<'_>, rule: &RuleFact) -> Option<Finding> {
    scene.capabilities.tables.contains(&rule.table).then(|| {
        Finding::new(
            Severity::Warning,
            "table-clash",
            format!("an ip rule of preference {} leads to table {}", rule.priority, rule.table),
            "that table is the VPN's: what others write there takes its traffic, or is wiped",
        )
        .fix(format!("ip rule show pref {}; give its owner another table", rule.priority))
    })
}

fn same_number(scene: &Scene<'_>, rule: &RuleFact) -> Option<Finding> {
    let is_shared = |ours: &RuleFact| ours.ours && ours.priority == rule.priority;
    scene.facts.rules.iter().any(is_shared).then(|| {
        Finding::new(
            Severity::Warning,
            "rule-number-clash",
            format!("an ip rule of somebody else has the preference {} of ours", rule.priority),
            "whichever was made first counts, and who deletes by number deletes both",
        )
        .fix(format!("ip rule show pref {}; give its owner another preference", rule.priority))
    })
}

fn same_mark(scene: &Scene<'_>, rule: &RuleFact) -> Option<Finding> {
    let mark = rule.mark?;
    let shares = |ours: &MarkRange| ours.mask & mark.mask != 0;
    scene.capabilities.marks.iter().any(shares).then(|| {
        Finding::new(
            Severity::Warning,
            "marks-clash",
            format!(
                "an ip rule of preference {} looks at mark {:#x}/{:#x}, bits that the VPN uses",
                rule.priority, mark.value, mark.mask
            ),
            "marked packets of the one are routed as packets of the other",
        )
        .fix(format!("ip rule show pref {}; give its owner other mark bits", rule.priority))
    })
}

#[cfg(test)]
mod tests {
    use super::super::scenes::Machine;
    use super::*;

    fn codes(machine: &Machine) -> Vec<String> {
        check(&machine.scene()).into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn the_vpns_own_rules_are_no_clash() {
        let rule = RuleFact {
            priority: 5210,
            table: 254,
            mark: Some(MarkRange { value: 0x80000, mask: 0xff0000 }),
            ours: false,
        };
        assert!(codes(&Machine::quiet().rule(rule)).is_empty());
        assert_eq!(
            codes(&Machine::quiet().rule(RuleFact { priority: 90, ..rule })),
            ["marks-clash"]
        );
    }

    #[test]
    fn a_foreign_rule_into_the_vpns_table() {
        let rule = RuleFact { priority: 90, table: 52, mark: None, ours: false };
        assert_eq!(codes(&Machine::quiet().rule(rule)), ["table-clash"]);
        assert!(codes(&Machine::quiet().rule(RuleFact { ours: true, ..rule })).is_empty());
    }

    #[test]
    fn a_foreign_rule_with_the_number_of_ours() {
        let ours = RuleFact { priority: 5180, table: 254, mark: None, ours: true };
        let foreign = RuleFact { table: 100, ours: false, ..ours };
        assert!(codes(&Machine::quiet().rule(ours)).is_empty());
        assert_eq!(codes(&Machine::quiet().rule(ours).rule(foreign)), ["rule-number-clash"]);
        let elsewhere = RuleFact { priority: 5179, ..foreign };
        assert!(codes(&Machine::quiet().rule(ours).rule(elsewhere)).is_empty());
    }

    #[test]
    fn neighbours_are_known_by_their_chains_and_interfaces() {
        assert_eq!(codes(&Machine::quiet().chain("cali-FORWARD")), ["marks-clash"]);
        assert_eq!(codes(&Machine::quiet().link("wt0", 1280, &[])), ["marks-clash"]);
        assert!(codes(&Machine::quiet().link("kubespan", 1420, &[])).is_empty());
        assert!(codes(&Machine::quiet().chain("KUBE-MARK-MASQ")).is_empty());
    }
}
