//! Whether this machine's firewall is in two places.

use provider_api::{Finding, Severity};

use super::Scene;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(survey) = scene.survey else { return Vec::new() };
    if survey.legacy_tables.is_empty() || scene.facts.chains.is_empty() {
        return Vec::new();
    }
    let tables: Vec<&str> = survey.legacy_tables.iter().map(String::as_str).collect();
    let finding = Finding::new(
        Severity::Info,
        "firewall-in-two-places",
        format!("rules are in nftables and in iptables-legacy ({})", tables.join(", ")),
        "a packet must pass both, and neither's listing shows the other's rules",
    );
    vec![finding.fix("iptables-legacy-save; nft list ruleset; move the rules to one of the two")]
}

#[cfg(test)]
mod tests {
    use super::super::scenes::Machine;
    use super::check;

    #[test]
    fn one_place_is_fine() {
        let legacy = |machine: Machine| {
            machine.surveyed(|survey| {
                survey.legacy_tables.insert("filter".into());
            })
        };
        let told = |machine: Machine| check(&machine.scene()).len();
        assert_eq!(told(Machine::quiet().chain("FORWARD")), 0);
        assert_eq!(told(legacy(Machine::quiet())), 0);
        assert_eq!(told(legacy(Machine::quiet().chain("FORWARD"))), 1);
    }
}
