//! What to do about a route that peers do not use.

use ipnet::IpNet;
use provider_api::{Finding, NodeId, PolicySubject, RouteStage, Severity};

use super::RouteVerdict;
use crate::control_url::ControlKind;
use crate::policy::Policy;

/// What the fixes need to be exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixes {
    /// Whose control server it is.
    pub kind: ControlKind,
    /// The control server's id of this node.
    pub node: NodeId,
    /// This node's name in the network.
    pub name: String,
    /// How a policy calls nodes such as this one.
    pub subject: PolicySubject,
    /// The cluster's CIDRs.
    pub cluster_cidrs: Vec<IpNet>,
    /// The routes of this node that may be approved already: approving replaces the set.
    pub approved: Vec<IpNet>,
    /// Whether the control server's API was asked, and did not tell.
    pub asked_in_vain: bool,
}

/// What is wrong with routes that peers do not use: one finding for all that lack the same,
/// since approving replaces the whole set. None where nothing is wrong, or nothing is known.
pub fn findings(verdicts: &[RouteVerdict], fixes: &Fixes) -> Vec<Finding> {
    let lacking = |stage| {
        let all: Vec<&RouteVerdict> =
            verdicts.iter().filter(|verdict| verdict.stage == stage).collect();
        finding(stage, &all, fixes)
    };
    let stages =
        [RouteStage::Unapproved, RouteStage::Hidden, RouteStage::Withheld, RouteStage::Standby];
    stages.into_iter().filter_map(lacking).collect()
}

fn finding(stage: RouteStage, verdicts: &[&RouteVerdict], fixes: &Fixes) -> Option<Finding> {
    let reason = &verdicts.first()?.reason;
    let prefixes: Vec<IpNet> = verdicts.iter().map(|verdict| verdict.prefix).collect();
    let list = list(&prefixes, " and ");
    let be = if prefixes.len() == 1 { "is" } else { "are" };
    let (code, what, fix) = match stage {
        RouteStage::Advertised | RouteStage::Served => return None,
        RouteStage::Unapproved => (
            "route-not-approved",
            format!("{list} {be} advertised and not approved: {reason}"),
            fixes.approve(&prefixes),
        ),
        RouteStage::Hidden => (
            "route-hidden",
            format!("{list} {be} approved and seen by no peer: {reason}"),
            fixes.allow(&prefixes),
        ),
        RouteStage::Withheld => (
            "route-withheld",
            format!("{list} {be} advertised and used by no peer: {reason}"),
            fixes.both(&prefixes),
        ),
        RouteStage::Standby => (
            "route-served-elsewhere",
            format!("{list} {be} advertised by another node too, which peers use: {reason}"),
            fixes.part(&prefixes),
        ),
    };
    let why = "peers send no traffic for it here, so its pods cannot be reached";
    Some(Finding::new(Severity::Error, code, what, why).fix(fix))
}

fn list(prefixes: &[IpNet], between: &str) -> String {
    prefixes.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

impl Fixes {
    fn approve(&self, prefixes: &[IpNet]) -> String {
        format!(
            "approve now, which sets all that is approved for this node:\n{}\nor for all nodes of the cluster, in the policy:\n{}",
            self.approve_now(prefixes),
            self.policy_for(prefixes, Policy::auto_approvers)
        )
    }

    fn allow(&self, prefixes: &[IpNet]) -> String {
        format!("add to the policy:\n{}", self.policy_for(prefixes, Policy::rules))
    }

    fn both(&self, prefixes: &[IpNet]) -> String {
        let which = match self.asked_in_vain {
            true => {
                "the control server's API would tell which; another finding says why it did not"
            }
            false => "controlAPIKey in the configuration lets Moorline tell which",
        };
        format!(
            "if the approval is missing, {}\nif the policy hides what is approved, {}\n{which}",
            self.approve(prefixes),
            self.allow(prefixes)
        )
    }

    /// Approving replaces the whole set, so the routes that are approved go along.
    fn approve_now(&self, prefixes: &[IpNet]) -> String {
        let approved = self.approved.iter().filter(|route| !prefixes.contains(route));
        let routes: Vec<String> = approved.chain(prefixes).map(ToString::to_string).collect();
        match self.kind {
            ControlKind::SelfHosted => {
                format!(
                    "  headscale nodes approve-routes -i {} -r \"{}\"",
                    self.node,
                    routes.join(",")
                )
            }
            ControlKind::Tailscale => format!(
                "  https://login.tailscale.com/admin/machines, {name}, Edit route settings: tick {ticks}\n\
                 \u{20} or POST https://api.tailscale.com/api/v2/device/{id}/routes {body}",
                name = self.name,
                ticks = list(prefixes, " and "),
                id = self.node,
                body = serde_json::json!({ "routes": routes }),
            ),
        }
    }

    fn part(&self, prefixes: &[IpNet]) -> String {
        let console = match self.kind {
            ControlKind::SelfHosted => "headscale nodes list-routes",
            ControlKind::Tailscale => "https://login.tailscale.com/admin/machines",
        };
        format!(
            "give one of the two another pod CIDR than {}, or delete the other where it is gone \
             for good: {console}",
            list(prefixes, " and ")
        )
    }

    /// The stanza for the cluster CIDRs where they hold the prefixes, else for those themselves.
    fn policy_for(&self, prefixes: &[IpNet], stanza: fn(&Policy) -> String) -> String {
        let is_held = |prefix| self.cluster_cidrs.iter().any(|cidr| cidr.contains(prefix));
        let held = prefixes.iter().all(is_held);
        let cidrs = if held { self.cluster_cidrs.clone() } else { prefixes.to_vec() };
        match Policy::new(self.kind, &self.subject, &cidrs) {
            Ok(policy) => stanza(&policy),
            Err(error) => format!("  moorline policy print ({error})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> IpNet {
        text.parse().expect(text)
    }

    fn fixes(kind: ControlKind) -> Fixes {
        Fixes {
            kind,
            node: NodeId::new("7"),
            name: "node-3".to_owned(),
            subject: PolicySubject::Tag("k8s".to_owned()),
            cluster_cidrs: vec![prefix("10.42.0.0/16"), prefix("2001:cafe:42::/56")],
            approved: vec![prefix("192.168.7.0/24")],
            asked_in_vain: false,
        }
    }

    fn found(stage: RouteStage, kind: ControlKind) -> Option<Finding> {
        let verdict =
            RouteVerdict { prefix: prefix("10.42.3.0/24"), stage, reason: "we looked".to_owned() };
        findings(&[verdict], &fixes(kind)).pop()
    }

    fn fix(stage: RouteStage, kind: ControlKind) -> String {
        let finding = found(stage, kind).expect("a finding");
        assert!(finding.what.contains("10.42.3.0/24") && finding.what.contains("we looked"));
        finding.fix.expect("a fix")
    }

    const APPROVE: &str = "headscale nodes approve-routes -i 7 -r \"192.168.7.0/24,10.42.3.0/24\"";
    const STANZA: &str = "\"10.42.0.0/16\": [\"tag:k8s\"],";

    #[test]
    fn a_route_that_is_not_approved_gets_the_command_and_the_stanza() {
        let fix = fix(RouteStage::Unapproved, ControlKind::SelfHosted);
        assert!(fix.contains(APPROVE) && fix.contains(STANZA), "{fix}");
        assert!(!fix.contains("acls"), "{fix}");
    }

    #[test]
    fn both_families_are_approved_by_one_command() {
        let verdicts = ["10.42.3.0/24", "2001:cafe:42:3::/64"].map(|text| RouteVerdict {
            prefix: prefix(text),
            stage: RouteStage::Unapproved,
            reason: "we looked".to_owned(),
        });
        let found = findings(&verdicts, &fixes(ControlKind::SelfHosted));
        assert_eq!(found.len(), 1);
        let fix = found[0].fix.as_deref().expect("a fix");
        let all = "-r \"192.168.7.0/24,10.42.3.0/24,2001:cafe:42:3::/64\"";
        assert!(fix.contains(all), "{fix}");
    }

    #[test]
    fn at_tailscale_the_console_and_the_api_approve() {
        let fix = fix(RouteStage::Unapproved, ControlKind::Tailscale);
        assert!(fix.contains("/admin/machines, node-3"), "{fix}");
        assert!(fix.contains(r#"device/7/routes {"routes":["192.168.7.0/24","10.42.3.0/24"]}"#));
    }

    #[test]
    fn a_hidden_route_gets_the_rules_only() {
        let fix = fix(RouteStage::Hidden, ControlKind::SelfHosted);
        assert!(fix.contains("\"acls\"") && !fix.contains("approve-routes"), "{fix}");
        let grants = self::fix(RouteStage::Hidden, ControlKind::Tailscale);
        assert!(grants.contains("\"grants\""), "{grants}");
    }

    #[test]
    fn where_it_cannot_be_told_both_fixes_are_there() {
        let fix = fix(RouteStage::Withheld, ControlKind::SelfHosted);
        assert!(fix.contains(APPROVE) && fix.contains(STANZA) && fix.contains("\"acls\""), "{fix}");
        assert!(fix.contains("controlAPIKey"), "{fix}");
    }

    #[test]
    fn who_gave_a_key_for_the_api_is_not_told_to() {
        let told = |asked_in_vain| {
            Fixes { asked_in_vain, ..fixes(ControlKind::SelfHosted) }
                .both(&[prefix("10.42.3.0/24")])
        };
        assert!(told(false).contains("controlAPIKey") && !told(true).contains("controlAPIKey"));
        assert!(told(true).contains("another finding says why"));
    }

    #[test]
    fn a_route_outside_the_cluster_gets_a_stanza_of_its_own() {
        let fixes = Fixes { cluster_cidrs: Vec::new(), ..fixes(ControlKind::SelfHosted) };
        assert!(fixes.approve(&[prefix("10.9.0.0/24")]).contains("\"10.9.0.0/24\": [\"tag:k8s\"]"));
    }

    #[test]
    fn what_is_served_or_unknown_is_no_finding() {
        for stage in [RouteStage::Served, RouteStage::Advertised] {
            assert_eq!(found(stage, ControlKind::SelfHosted), None);
        }
        assert!(found(RouteStage::Standby, ControlKind::Tailscale).is_some());
    }
}
