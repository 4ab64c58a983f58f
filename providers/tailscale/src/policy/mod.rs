//! The text that an operator puts into the control server's policy.

use std::fmt;

use ipnet::IpNet;
use provider_api::{Error, PolicyRequest, PolicySubject, Result};

use self::rule::{Rule, comment};
use crate::control_url::ControlKind;

mod rule;
mod subject;

const SERVERS: [(&str, ControlKind); 2] =
    [("tailscale", ControlKind::Tailscale), ("headscale", ControlKind::SelfHosted)];

/// The whole policy for a request, as HuJSON: `headscale policy check` and Tailscale's policy
/// editor take it as it is.
///
/// # Errors
/// [`ErrorKind::Settings`](provider_api::ErrorKind::Settings) for a server that nobody knows, a
/// tag or user that no policy can name, and for no CIDR at all.
pub fn text(request: &PolicyRequest) -> Result<String> {
    let kind = server_kind(request.server.as_deref())?;
    let policy = Policy::new(kind, &request.subject, &request.cluster_cidrs)?;
    Ok(policy.to_string())
}

/// What a cluster needs of a policy. Displayed, it is the whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    kind: ControlKind,
    /// The subject as a policy writes it: `tag:k8s`, `alice@example.com`, `k8s@`.
    subject: String,
    cidrs: Vec<IpNet>,
}

impl Policy {
    /// The policy for the nodes of `subject` and the pods in `cidrs`.
    ///
    /// # Errors
    /// As [`text`].
    pub fn new(kind: ControlKind, subject: &PolicySubject, cidrs: &[IpNet]) -> Result<Self> {
        if cidrs.is_empty() {
            let what = "a policy needs the cluster's CIDRs, and none are known";
            return Err(
                Error::settings("policy-without-cidr", what).fix("--cluster-cidr 10.42.0.0/16")
            );
        }
        let cidrs = cidrs.iter().map(IpNet::trunc).collect();
        Ok(Policy { kind, subject: subject::name(kind, subject)?, cidrs })
    }

    /// The stanza that approves what these nodes advertise.
    pub fn auto_approvers(&self) -> String {
        let routes =
            self.cidrs.iter().map(|cidr| format!("      \"{cidr}\": [\"{}\"],\n", self.subject));
        format!(
            "  \"autoApprovers\": {{\n    \"routes\": {{\n{}    }},\n  }},\n",
            routes.collect::<String>()
        )
    }

    /// The stanza that lets pods reach pods and nodes, and the probes through.
    pub fn rules(&self) -> String {
        let rules = rule::all(&self.subject, &self.cidrs);
        match self.kind {
            ControlKind::Tailscale => section("grants", rules.iter().map(Rule::grant)),
            // Every headscale reads acls; grants came with 0.29.
            ControlKind::SelfHosted => section("acls", rules.iter().map(Rule::acl)),
        }
    }

    fn tag_owners(&self) -> String {
        if !self.subject.starts_with("tag:") {
            return String::new();
        }
        let (why, owner) = match self.kind {
            ControlKind::Tailscale => (
                "Who may give nodes the tag. An auth key made with the tag gives it too."
                    .to_owned(),
                "\"autogroup:admin\"",
            ),
            ControlKind::SelfHosted => (
                format!(
                    "A tag must be known here, though nobody has to own it. Keys give it to nodes:\n\
                     headscale preauthkeys create --tags {}",
                    self.subject
                ),
                "",
            ),
        };
        let why = comment("  ", &why);
        format!("{why}  \"tagOwners\": {{\n    \"{}\": [{owner}],\n  }},\n\n", self.subject)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            "// What this cluster needs. Merge it into the policy that you have: the entries of\n\
             // each section add up.\n{\n",
        )?;
        out.write_str(&self.tag_owners())?;
        out.write_str(&comment(
            "  ",
            "Approves the pod CIDRs that these nodes advertise, without anybody's hand.",
        ))?;
        out.write_str(&self.auto_approvers())?;
        out.write_str("\n")?;
        out.write_str(&comment(
            "  ",
            "A policy with rules lets through only what they name. Leave this section out if\n\
             yours lets everything through.",
        ))?;
        out.write_str(&self.rules())?;
        out.write_str("}\n")
    }
}

fn section(name: &str, entries: impl Iterator<Item = String>) -> String {
    format!("  \"{name}\": [\n{}  ],\n", entries.collect::<String>())
}

fn server_kind(server: Option<&str>) -> Result<ControlKind> {
    let Some(name) = server else { return Ok(ControlKind::Tailscale) };
    let known = SERVERS.iter().find(|(known, _)| *known == name);
    known.map(|(_, kind)| *kind).ok_or_else(|| {
        let what = format!("no control server of the tailscale provider is called `{name}`");
        Error::settings("policy-server-unknown", what).fix("known: tailscale, headscale")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use provider_api::ErrorKind;
    use serde_json::{Value, json};

    fn request(subject: PolicySubject, server: &str) -> PolicyRequest {
        let cluster_cidrs =
            ["10.42.0.0/16", "2001:cafe:42::/56"].map(|cidr| cidr.parse().expect(cidr));
        PolicyRequest { cluster_cidrs: cluster_cidrs.into(), subject, server: Some(server.into()) }
    }

    fn by_tag(server: &str) -> PolicyRequest {
        request(PolicySubject::Tag("k8s".into()), server)
    }

    /// HuJSON without what JSON lacks: comments on their own lines, commas before a bracket.
    fn json_of(text: &str) -> Value {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let bare = lines.map(str::trim).collect::<String>();
        let bare = bare.replace(",}", "}").replace(",]", "]");
        serde_json::from_str(&bare).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn policy(request: &PolicyRequest) -> Value {
        json_of(&text(request).expect("a policy"))
    }

    #[test]
    fn tailscale_gets_grants_by_tag() {
        let policy = policy(&by_tag("tailscale"));
        assert_eq!(policy["tagOwners"], json!({"tag:k8s": ["autogroup:admin"]}));
        assert_eq!(
            policy["autoApprovers"],
            json!({"routes": {"10.42.0.0/16": ["tag:k8s"], "2001:cafe:42::/56": ["tag:k8s"]}})
        );
        let everybody = json!(["tag:k8s", "10.42.0.0/16", "2001:cafe:42::/56"]);
        assert_eq!(
            policy["grants"],
            json!([
                {"src": everybody, "dst": ["10.42.0.0/16", "2001:cafe:42::/56"], "ip": ["*"]},
                {"src": everybody, "dst": ["tag:k8s"], "ip": ["*"]},
                {"src": ["10.42.0.0/16"], "dst": ["10.42.0.0/16"], "ip": ["icmp:*"]},
                {"src": ["2001:cafe:42::/56"], "dst": ["2001:cafe:42::/56"], "ip": ["58:*"]},
            ])
        );
    }

    #[test]
    fn headscale_gets_acls_by_user() {
        let policy = policy(&request(PolicySubject::User("k8s".into()), "headscale"));
        assert_eq!(policy["tagOwners"], Value::Null);
        assert_eq!(policy["autoApprovers"]["routes"]["10.42.0.0/16"], json!(["k8s@"]));
        assert_eq!(policy["acls"][1]["dst"], json!(["k8s@:*"]));
        assert_eq!(policy["acls"][3]["proto"], json!("58"));
        assert_eq!(policy["acls"][3]["dst"], json!(["2001:cafe:42::/56:*"]));
    }

    #[test]
    fn one_family_has_one_probe_rule() {
        let mut request = by_tag("tailscale");
        request.cluster_cidrs.truncate(1);
        assert_eq!(policy(&request)["grants"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn tailscale_is_meant_where_no_server_is_named() {
        let request = PolicyRequest { server: None, ..by_tag("headscale") };
        assert_eq!(text(&request), text(&by_tag("tailscale")));
    }

    #[test]
    fn a_request_without_a_policy_is_refused_by_name() {
        let tag = |tag: &str| request(PolicySubject::Tag(tag.into()), "tailscale");
        let user = |user: &str, server| request(PolicySubject::User(user.into()), server);
        let none = PolicyRequest { cluster_cidrs: Vec::new(), ..by_tag("tailscale") };
        for (request, code, named) in [
            (by_tag("netbird"), "policy-server-unknown", "netbird"),
            (tag("tag:a b"), "policy-tag-invalid", "a b"),
            (tag("tag:"), "policy-tag-invalid", "tag:"),
            (tag("k\"]"), "policy-tag-invalid", "k\"]"),
            (user("", "headscale"), "policy-user-invalid", "``"),
            (user("a\"b", "headscale"), "policy-user-invalid", "a\"b"),
            (user("alice", "tailscale"), "policy-user-invalid", "alice"),
            (none, "policy-without-cidr", "CIDR"),
        ] {
            let error = text(&request).expect_err(code);
            assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Settings, code));
            assert!(error.what.contains(named) && error.fix.is_some(), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn every_policy_is_readable(tag in "[a-z][a-z0-9-]{0,10}", a: u8, bits in 8u8..=24, headscale: bool) {
            let server = if headscale { "headscale" } else { "tailscale" };
            let mut request = request(PolicySubject::Tag(tag), server);
            request.cluster_cidrs.push(format!("10.{a}.0.0/{bits}").parse().expect("a CIDR"));
            policy(&request);
        }
    }
}
