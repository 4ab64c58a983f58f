//! The ip rules that keep this node's own pods in the table `main`, where the bridge's routes
//! are. A VPN looks into a table of its own first, and there a prefix that another node serves,
//! such as the whole cluster's, would take the own pods away.

use std::ops::RangeInclusive;

use ipnet::IpNet;
use linux::Netlink;
use linux::route::MAIN;
use linux::rule::{ListedRule, Rule};
use provider_api::{Change, Result};

use super::kernel;
use crate::host::Session;

/// Ours are all here, at the highest that nobody else has: a rule of theirs at the same number
/// may come before ours. Ahead of Tailscale's 5210 to 5270 and KubeSpan's 32500, and after the
/// rules below 5000 by which CNIs find single pods.
const PRIORITIES: RangeInclusive<u32> = 5100..=5170;

/// What `ensure` would change.
pub(super) async fn plan(pod_cidrs: &[IpNet]) -> Result<Vec<Change>> {
    let listed = Netlink::open().map_err(kernel)?.rules().await.map_err(kernel)?;
    Ok(changes(&listed, &wanted(pod_cidrs, &listed)))
}

/// Makes our rules those of these pods; none removes all.
pub(super) async fn ensure(session: &Session, pod_cidrs: &[IpNet]) -> Result<()> {
    let netlink = Netlink::open().map_err(kernel)?;
    let listed = netlink.rules().await.map_err(kernel)?;
    let wanted = wanted(pod_cidrs, &listed);
    netlink.set_rules(PRIORITIES, &wanted).await.map_err(kernel)?;
    changes(&listed, &wanted).into_iter().for_each(|change| session.note(change));
    Ok(())
}

fn wanted(pod_cidrs: &[IpNet], listed: &[ListedRule]) -> Vec<Rule> {
    let is_taken = |priority: &u32| {
        listed.iter().any(|listed| !listed.ours && listed.rule.priority == *priority)
    };
    let free = PRIORITIES.rev().find(|priority| !is_taken(priority));
    let priority = free.unwrap_or(*PRIORITIES.end());
    pod_cidrs.iter().map(|cidr| Rule::to(priority, cidr.trunc(), MAIN)).collect()
}

fn changes(listed: &[ListedRule], wanted: &[Rule]) -> Vec<Change> {
    let ours = listed.iter().filter(|one| one.ours && PRIORITIES.contains(&one.rule.priority));
    let ours: Vec<&Rule> = ours.map(|one| &one.rule).collect();
    let come = wanted.iter().filter(|rule| !ours.contains(rule));
    let go = ours.iter().filter(|rule| !wanted.contains(rule));
    let come = come.map(|rule| change(String::new(), rule.to_string()));
    come.chain(go.map(|rule| change(rule.to_string(), String::new()))).collect()
}

fn change(from: String, to: String) -> Change {
    Change { subject: "ip rules".to_owned(), from, to, why: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linux::Family;

    fn listed(rule: Rule, ours: bool) -> ListedRule {
        ListedRule { rule, family: Family::Ipv4, mark: None, ours }
    }

    fn pods() -> [IpNet; 2] {
        ["10.42.1.0/24", "2001:cafe:42:1::/64"].map(|net| net.parse().unwrap())
    }

    fn told(listed: &[ListedRule]) -> Vec<String> {
        let changes = changes(listed, &wanted(&pods(), listed));
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_pod_cidr_has_its_rule_once() {
        let none = [
            "+ ip rules: 5170: to 10.42.1.0/24 lookup 254",
            "+ ip rules: 5170: to 2001:cafe:42:1::/64 lookup 254",
        ];
        assert_eq!(told(&[]), none);
        let all: Vec<_> = wanted(&pods(), &[]).into_iter().map(|rule| listed(rule, true)).collect();
        assert_eq!(told(&all), [""; 0]);
    }

    #[test]
    fn a_number_that_somebody_takes_is_left_to_them() {
        let theirs = listed(Rule::to(5170, pods()[0], 99), false);
        let ours = listed(Rule::to(5170, pods()[0], MAIN), true);
        let changes = [
            "+ ip rules: 5169: to 10.42.1.0/24 lookup 254",
            "+ ip rules: 5169: to 2001:cafe:42:1::/64 lookup 254",
            "- ip rules: 5170: to 10.42.1.0/24 lookup 254",
        ];
        assert_eq!(told(&[theirs, ours]), changes);
    }

    #[test]
    fn rules_of_a_provider_of_ours_are_its_own() {
        let provider = listed(Rule::to(5180, pods()[0], MAIN), true);
        assert_eq!(changes(&[provider], &[]), []);
    }
}
