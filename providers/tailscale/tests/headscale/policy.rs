//! The policy text, as a real headscale reads it.

use provider_api::{PolicyRequest, PolicySubject};
use provider_tailscale::policy;

use crate::server::Headscale;

fn request(subject: PolicySubject, server: &str, cidrs: &[&str]) -> PolicyRequest {
    let cluster_cidrs = cidrs.iter().map(|cidr| cidr.parse().expect("a CIDR")).collect();
    PolicyRequest { cluster_cidrs, subject, server: Some(server.to_owned()) }
}

fn subjects() -> [PolicySubject; 2] {
    [PolicySubject::Tag("k8s".into()), PolicySubject::User("k8s".into())]
}

#[test]
fn headscale_takes_what_is_printed_for_it() {
    let Some(headscale) = Headscale::start() else { return };
    for subject in subjects() {
        for cidrs in [&["10.42.0.0/16"][..], &["10.42.0.0/16", "2001:cafe:42::/56"][..]] {
            let text =
                policy::text(&request(subject.clone(), "headscale", cidrs)).expect("a policy");
            let file = headscale.file("policy.hujson", &text);
            let file = file.to_str().expect("a path");
            headscale.run(&["policy", "check", "-f", file]);
            headscale.run(&["policy", "set", "-f", file]);
            assert_eq!(headscale.run(&["policy", "get"]), text.trim());
        }
    }
}

/// headscale reads grants as Tailscale does, but knows no `autogroup:admin`.
#[test]
fn the_grants_for_tailscale_are_grants_to_headscale_too() {
    let Some(headscale) = Headscale::start() else { return };
    let tag = PolicySubject::Tag("k8s".into());
    let cidrs = ["10.42.0.0/16", "2001:cafe:42::/56"];
    let text = policy::text(&request(tag, "tailscale", &cidrs)).expect("a policy");
    let file = headscale.file("policy.hujson", &text.replace("\"autogroup:admin\"", ""));
    headscale.run(&["policy", "check", "-f", file.to_str().expect("a path")]);
}

#[test]
fn the_check_can_fail() {
    let Some(headscale) = Headscale::start() else { return };
    let file = headscale.file("policy.hujson", "{ \"acls\": [{ \"action\": \"perhaps\" }] }");
    let said = headscale.try_run(&["policy", "check", "-f", file.to_str().expect("a path")]);
    assert!(said.expect_err("a bad policy is refused").contains("perhaps"));
}
