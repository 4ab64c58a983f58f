//! A login that somebody makes by hand, at the control server's own page.

use testenv::{Headscale, Host, Tailscaled, until};

use crate::common::lab;
use crate::refusal::{Refusal, SOON};

/// Begins a login as `tailscale up` does, and returns the page where it waits.
fn begun(tailscaled: &Tailscaled, headscale: &Headscale) -> String {
    let server = format!("--login-server={}", headscale.url());
    let _ = tailscaled.try_tailscale(&["up", &server, "--timeout=2s"]);
    until("a page to log in at", SOON, || match tailscaled.status()["AuthURL"].as_str() {
        Some(url) if !url.is_empty() => Ok(url.to_owned()),
        url => Err(url.map(str::to_owned)),
    })
}

fn words(host: &Host, headscale: &Headscale, deadline: &str) -> Vec<String> {
    let auth = host.vpn_auth_without_key(headscale);
    let words =
        ["up", "--json", "--wait", "joined", "--join-deadline", deadline, "--vpn-auth", &auth];
    words.map(str::to_owned).into()
}

#[test]
fn a_login_by_hand_is_waited_for_at_its_page() {
    let Some(lab) = lab("by hand") else { return };
    let headscale = lab.headscale().start();
    headscale.user("k8s");
    let host = lab.host("a").start();
    let tailscaled = host.tailscaled();
    let page = begun(&tailscaled, &headscale);
    let error = Refusal::of(host.moorline(words(&host, &headscale, "4s")), 3);
    assert!(error.is("login-needed", "log the node in").fix.is_some_and(|fix| fix.contains(&page)));
    let mut up = host.moorline_with(words(&host, &headscale, "60s")).start();
    up.says(&page, SOON);
    let id = page.rsplit('/').next().expect("an id at the end of the page's URL");
    headscale.admin(&["auth", "register", "--user", "k8s", "--auth-id", id]);
    let _ = up.finish(SOON).succeeded();
    assert!(headscale.node("a").online);
}
