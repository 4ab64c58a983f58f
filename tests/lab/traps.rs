//! A control server at plain http on a public address: one lost connection too many, and
//! tailscaled stays offline until it is restarted. Moorline must not be the one who loses it.

use std::time::Duration;

use testenv::{Headscale, Host, Lab, Tailscaled, until};

use crate::common::lab;
use crate::node::finding;
use crate::refusal::{Refusal, SOON, stays};
use crate::scene::AUTO_APPROVED;

/// A wrong look would have taken the node offline by then, at once and for good.
const LONG_ENOUGH: Duration = Duration::from_secs(5);

fn words(host: &Host, headscale: &Headscale, wait: &str) -> Vec<String> {
    let auth = host.vpn_auth(headscale, &headscale.user("k8s").reusable_key());
    let words = ["up", "--json", "--cluster-cidr", "10.42.0.0/16", "--pod-cidr", "10.42.1.0/24"];
    let more = ["--wait", wait, "--wait-for", "15s", "--vpn-auth", &auth];
    words.into_iter().chain(more).map(str::to_owned).collect()
}

fn headscale(lab: &Lab, policy: &str) -> Headscale {
    lab.headscale().at("203.0.113.10").policy(policy).start()
}

fn online(tailscaled: &Tailscaled) {
    let is_online = || match tailscaled.status() {
        status if status["Self"]["Online"] == true => Ok(()),
        status => Err(status["Health"].clone()),
    };
    until("a node online", SOON, is_online);
    stays("a node online", LONG_ENOUGH, is_online);
}

#[test]
fn a_look_at_a_lone_node_leaves_it_online() {
    let Some(lab) = lab("a trap") else { return };
    let headscale = headscale(&lab, AUTO_APPROVED);
    let host = lab.host("a").start();
    let tailscaled = host.tailscaled();
    let _ = host.moorline(words(&host, &headscale, "joined")).succeeded();
    online(&tailscaled);
    for _ in 0..2 {
        let status = host.moorline(["status", "--json", "--prove"]).json();
        assert!(finding(&status, "control-url-plain-http").is_some(), "{status:#}");
        online(&tailscaled);
    }
}

#[test]
fn waiting_for_an_approval_leaves_the_node_online() {
    let Some(lab) = lab("a trap, and no approval") else { return };
    let policy = r#"{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}"#;
    let headscale = headscale(&lab, policy);
    let host = lab.host("a").start();
    let tailscaled = host.tailscaled();
    let _ = host.moorline(words(&host, &headscale, "served")).ended_with(8);
    online(&tailscaled);
}

#[test]
fn a_second_attempt_too_soon_is_told_what_it_takes() {
    let Some(lab) = lab("a trap, twice") else { return };
    let headscale = headscale(&lab, AUTO_APPROVED);
    let host = lab.host("a").start();
    let tailscaled = host.tailscaled();
    let wrong = host.secret_file("wrong", "hskey-auth-000000000000-wrong");
    let words = words(&host, &headscale, "joined");
    let auth =
        format!("{},joinKey=file:{}", host.vpn_auth_without_key(&headscale), wrong.display());
    let refused = host.moorline(["up", "--json", "--vpn-auth", &auth]);
    Refusal::of(refused, 3).is("auth-key-invalid", "join key");
    let again = Refusal::of(host.moorline(words.clone()), 7);
    let again = again.is("control-url-plain-http", &headscale.url());
    assert!(again.fix.is_some_and(|fix| fix.contains("systemctl restart tailscaled")));
    tailscaled.stop();
    tailscaled.start();
    let _ = host.moorline(words).succeeded();
    online(&tailscaled);
}
