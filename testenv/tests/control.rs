//! What an administrator of the control server does.

use std::time::Duration;

use serde_json::json;
use testenv::{Headscale, Lab, Tailscaled, until};

const PATIENCE: Duration = Duration::from_secs(20);

fn served(headscale: &Headscale, node: &str, wanted: usize) {
    until(&format!("{wanted} served routes"), PATIENCE, || {
        let served = headscale.node(node).subnet_routes;
        if served.len() == wanted { Ok(()) } else { Err(served) }
    });
}

fn login_error(tailscaled: &Tailscaled, headscale: &Headscale, key: &str) -> String {
    let answer = tailscaled.try_tailscale(&[
        "up",
        "--timeout=3s",
        &format!("--login-server={}", headscale.url()),
        &format!("--auth-key={key}"),
    ]);
    assert_ne!(answer.code, Some(0), "{answer:?}");
    answer.stderr
}

#[test]
fn routes_wait_for_approval_and_policies_change() {
    let Some(lab) = Lab::new("approval") else { return };
    let headscale = lab.headscale().start();
    let key = headscale.user("k8s").reusable_key();
    let a = lab.host("a").start().tailscaled();
    a.join(&headscale, &key);
    a.tailscale(&["set", "--advertise-routes=10.42.0.0/24"]);
    until("an offered route", PATIENCE, || {
        let offered = headscale.node("a").available_routes;
        if offered.len() == 1 { Ok(()) } else { Err(offered) }
    });
    served(&headscale, "a", 0);
    headscale.approve("a", "10.42.0.0/24");
    served(&headscale, "a", 1);
    headscale.approve("a", "");
    served(&headscale, "a", 0);
    headscale.set_policy(
        r#"{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
            "autoApprovers": {"routes": {"10.42.0.0/16": ["k8s@"]}}}"#,
    );
    a.tailscale(&["set", "--advertise-routes="]);
    a.tailscale(&["set", "--advertise-routes=10.42.7.0/24"]);
    served(&headscale, "a", 1);
    headscale.expire_node("a");
    until("an expired login", PATIENCE, || {
        let status = a.status();
        if status["BackendState"] == json!("NeedsLogin") { Ok(()) } else { Err(status) }
    });
    headscale.delete_node("a");
    assert!(headscale.nodes().is_empty());
}

#[test]
fn keys_of_every_kind() {
    let Some(lab) = Lab::new("keys") else { return };
    let headscale = lab.headscale().start();
    let user = headscale.user("k8s");
    let (a, b) = (lab.host("a").start().tailscaled(), lab.host("b").start().tailscaled());
    assert!(login_error(&a, &headscale, user.expired_key().secret()).contains("authkey expired"));
    let deleted = user.reusable_key();
    headscale.delete_key(&deleted);
    assert!(login_error(&a, &headscale, deleted.secret()).contains("invalid pre auth key"));

    let once = user.one_time_key();
    a.join(&headscale, &once);
    assert!(login_error(&b, &headscale, once.secret()).contains("authkey already used"));
    b.tailscale(&["logout"]);
    b.join(&headscale, &headscale.tagged_key("tag:k8s"));
    assert_eq!(headscale.node("b").tags, ["tag:k8s"]);
    assert!(headscale.api_key().starts_with("hskey-api-"));
}

#[test]
fn an_https_control_server_is_joined_once_it_is_trusted() {
    let Some(lab) = Lab::new("https") else { return };
    let headscale = lab.headscale().https().start();
    let key = headscale.user("k8s").reusable_key();
    let (trusting, other) = (lab.host("a").start(), lab.host("b").start());
    trusting.trust(&headscale);
    trusting.tailscaled().join(&headscale, &key);
    let refused = other.tailscaled();
    login_error(&refused, &headscale, key.secret());
    let health = refused.status()["Health"].to_string();
    assert!(health.contains("certificate signed by unknown authority"), "{health}");
}

#[test]
fn a_daemon_joins_by_its_configuration_file() {
    let Some(lab) = Lab::new("a configuration file") else { return };
    let headscale = lab.headscale().start();
    let key = headscale.user("k8s").reusable_key();
    let host = lab.host("a").start();
    let tailscaled = host.tailscaled_by_config(&json!({
        "version": "alpha0",
        "locked": true,
        "serverURL": headscale.url(),
        "authKey": key.secret(),
        "enabled": true,
    }));
    until("a daemon that joins by itself", PATIENCE, || {
        let status = tailscaled.status();
        if status["BackendState"] == json!("Running") { Ok(()) } else { Err(status) }
    });
    assert_ne!(tailscaled.try_tailscale(&["set", "--accept-routes"]).code, Some(0), "it is locked");
}

#[test]
fn daemons_stop_and_start_again() {
    let Some(lab) = Lab::new("restarts") else { return };
    let headscale = lab.headscale().start();
    let key = headscale.user("k8s").reusable_key();
    let a = lab.host("a").start().tailscaled();
    a.join(&headscale, &key);
    a.kill();
    headscale.stop();
    assert!(!a.is_running());
    headscale.start();
    a.start();
    until("a daemon that is back", PATIENCE, || {
        let status = a.status();
        if status["Self"]["Online"] == json!(true) { Ok(()) } else { Err(status) }
    });
    a.tailscale(&["debug", "prefs"]);
}
