//! A pod CIDR that an administrator advertised before Moorline came.

use serde_json::{Value, json};
use testenv::Host;

use crate::common::lab;
use crate::node::{finding, fix, status, up};

const POD_CIDR: &str = "10.42.1.0/24";

/// Everybody may; nobody approves anything by itself.
const UNAPPROVED: &str = r#"{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}"#;

/// The routes that this node's ledger claims.
fn claimed(host: &Host) -> Value {
    let text = std::fs::read_to_string(host.state_dir().join("state.json")).expect("a state file");
    let mut state: Value = serde_json::from_str(&text).expect("JSON");
    state["networks"]["tailscale"]["ledger"]["routes"].take()
}

#[test]
fn a_pod_cidr_that_an_admin_advertised_is_judged_as_ours_are_and_stays_the_admins() {
    let Some(lab) = lab("advertised before") else { return };
    let headscale = lab.headscale().policy(UNAPPROVED).start();
    let key = headscale.user("k8s").reusable_key();
    let host = lab.host("a").start();
    let tailscaled = host.tailscaled();
    tailscaled.join(&headscale, &key);
    tailscaled.tailscale(&["set", &format!("--advertise-routes={POD_CIDR}")]);
    let auth = host.vpn_auth_without_key(&headscale);
    let words = ["--pod-cidr", POD_CIDR, "--wait-for"];

    let report = up(&host, &auth, &[&words[..], &["5s"]].concat()).ended_with(8).json();
    for status in [&report["status"], &status(&host)] {
        let route = json!({"prefix": POD_CIDR, "ours": false, "stage": "unapproved"});
        assert_eq!(status["routes"], json!([route]), "{status:#}");
        let told = finding(status, "route-not-approved").expect("what is missing");
        assert!(told["what"].as_str().is_some_and(|what| what.contains(POD_CIDR)), "{told:#}");
        let approve = format!("approve-routes -i {} -r \"{POD_CIDR}\"", headscale.node("a").id);
        assert!(fix(status, "route-not-approved").contains(&approve), "{told:#}");
    }
    assert_eq!(claimed(&host), json!([]));
    let changes = report["changes"]["changes"].as_array().expect("changes");
    assert!(changes.iter().all(|change| change["subject"] != "route"), "{changes:#?}");

    headscale.approve("a", POD_CIDR);
    let report = up(&host, &auth, &[&words[..], &["30s"]].concat()).succeeded().json();
    assert_eq!(report["status"]["stage"], "proven");
    assert_eq!(claimed(&host), json!([]));
    host.moorline(["leave"]).succeeded();
    assert_eq!(tailscaled.prefs()["AdvertiseRoutes"], json!([POD_CIDR]));
}
