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
    /// The routes of this node that are approved already: approving replaces the set.
    pub approved: Vec<IpNet>,
}

/// What is wrong with a route that peers do not use; none where nothing is, or nothing is known.
pub fn finding(verdict: &RouteVerdict, fixes: &Fixes) -> Option<Finding> {
    let RouteVerdict { prefix, stage, reason } = verdict;
    let lost = "peers send no traffic for it here, so its pods cannot be reached";
    match stage {
        RouteStage::Advertised | RouteStage::Served => None,
        RouteStage::Unapproved => Some(
            Finding::new(
                Severity::Error,
                "route-not-approved",
                format!("{prefix} is advertised and not approved: {reason}"),
                lost,
            )
            .fix(fixes.approve(*prefix)),
        ),
        RouteStage::Hidden => Some(
            Finding::new(
                Severity::Error,
                "route-hidden",
                format!("{prefix} is approved and no peer may see it: {reason}"),
                lost,
            )
            .fix(fixes.allow(*prefix)),
        ),
        RouteStage::Withheld => Some(
            Finding::new(
                Severity::Error,
                "route-withheld",
                format!("{prefix} is advertised and no peer uses it: {reason}"),
                lost,
            )
            .fix(fixes.both(*prefix)),
        ),
        RouteStage::Standby => Some(
            Finding::new(
                Severity::Error,
                "route-served-elsewhere",
                format!("{prefix} is advertised by another node too: {reason}"),
                "traffic for these pods goes to the other node",
            )
            .fix(fixes.part(*prefix)),
        ),
    }
}

impl Fixes {
    fn approve(&self, prefix: IpNet) -> String {
        format!(
            "approve it now:\n{}\nor for all nodes of the cluster, in the policy:\n{}",
            self.approve_now(prefix),
            self.policy_for(prefix, Policy::auto_approvers)
        )
    }

    fn allow(&self, prefix: IpNet) -> String {
        format!("add to the policy:\n{}", self.policy_for(prefix, Policy::rules))
    }

    fn both(&self, prefix: IpNet) -> String {
        format!(
            "if it is not approved, {}\nif it is approved, {}\n\
             controlAPIKey in the configuration lets Moorline tell which",
            self.approve(prefix),
            self.allow(prefix)
        )
    }

    /// Approving replaces the whole set, so the routes that are approved go along.
    fn approve_now(&self, prefix: IpNet) -> String {
        let routes = self.approved.iter().filter(|route| **route != prefix).chain([&prefix]);
        let routes: Vec<String> = routes.map(ToString::to_string).collect();
        match self.kind {
            ControlKind::SelfHosted => {
                format!(
                    "  headscale nodes approve-routes -i {} -r \"{}\"",
                    self.node,
                    routes.join(",")
                )
            }
            ControlKind::Tailscale => format!(
                "  https://login.tailscale.com/admin/machines, {name}, Edit route settings: tick {prefix}\n\
                 \u{20} or POST https://api.tailscale.com/api/v2/device/{id}/routes {body}",
                name = self.name,
                id = self.node,
                body = serde_json::json!({ "routes": routes }),
            ),
        }
    }

    fn part(&self, prefix: IpNet) -> String {
        let list = match self.kind {
            ControlKind::SelfHosted => "headscale nodes list-routes",
            ControlKind::Tailscale => "https://login.tailscale.com/admin/machines",
        };
        format!(
            "give one of the two another pod CIDR than {prefix}, or delete the other where it is \
             gone for good: {list}"
        )
    }

    /// The stanza for the cluster CIDR that holds the prefix, else for the prefix itself.
    fn policy_for(&self, prefix: IpNet, stanza: fn(&Policy) -> String) -> String {
        let holds = self.cluster_cidrs.iter().any(|cidr| cidr.contains(&prefix));
        let cidrs = if holds { self.cluster_cidrs.clone() } else { vec![prefix] };
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
        }
    }

    fn found(stage: RouteStage, kind: ControlKind) -> Option<Finding> {
        let verdict =
            RouteVerdict { prefix: prefix("10.42.3.0/24"), stage, reason: "we looked".to_owned() };
        finding(&verdict, &fixes(kind))
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
    fn a_route_outside_the_cluster_gets_a_stanza_of_its_own() {
        let fixes = Fixes { cluster_cidrs: Vec::new(), ..fixes(ControlKind::SelfHosted) };
        assert!(fixes.approve(prefix("10.9.0.0/24")).contains("\"10.9.0.0/24\": [\"tag:k8s\"]"));
    }

    #[test]
    fn what_is_served_or_unknown_is_no_finding() {
        for stage in [RouteStage::Served, RouteStage::Advertised] {
            assert_eq!(found(stage, ControlKind::SelfHosted), None);
        }
        assert!(found(RouteStage::Standby, ControlKind::Tailscale).is_some());
    }
}
