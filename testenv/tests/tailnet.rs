//! The lab proves itself with the real daemons, without Moorline.

use std::time::Duration;

use testenv::{Lab, Nat, Traffic, until};

const POLICY: &str = r#"{
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "autoApprovers": {"routes": {"10.42.0.0/16": ["k8s@"]}}
}"#;

#[test]
fn pods_of_two_hosts_fetch_through_the_tailnet() {
    let Some(lab) = Lab::new("two tailscaleds") else { return };
    let headscale = lab.headscale().policy(POLICY).start();
    let key = headscale.user("k8s").reusable_key();
    let a = lab.host("a").start();
    let b = lab.host("b").behind(Nat::Symmetric).start();
    let mut pods = Vec::new();
    for (number, host) in [&a, &b].into_iter().enumerate() {
        let tailscaled = host.tailscaled();
        tailscaled.join(&headscale, &key);
        tailscaled.tailscale(&["set", &format!("--advertise-routes=10.42.{number}.0/24")]);
        host.bridge("cni0", &format!("10.42.{number}.1/24"));
        pods.push(host.pod("p1", &format!("10.42.{number}.10/24")));
    }
    pods[0].serve();
    let seen = until("a fetch through the tailnet", Duration::from_secs(30), || {
        pods[1].fetch(pods[0].v4()).seen()
    });
    assert_eq!(seen, pods[1].v4());
    assert_eq!(headscale.node("b").subnet_routes, ["10.42.1.0/24".parse().expect("a net")]);
}
