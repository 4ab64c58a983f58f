//! Doing it again: what is as it should be is left alone, what changed is followed.

use std::time::Duration;

use serde_json::{Value, json};
use testenv::{Headscale, Host, Lab, Tailscaled, Traffic, until};

use crate::common::lab;
use crate::kernel::Kernel;
use crate::node::{prefs, route_stage, status, up};
use crate::wire::Wire;

const POLICY: &str = r#"{
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "autoApprovers": {"routes": {"10.42.0.0/16": ["k8s@"], "192.168.0.0/16": ["k8s@"]}}
}"#;

/// How long news take through the control server to every node, on a busy machine.
const NEWS: Duration = Duration::from_secs(15);

/// Everything of the node that an `up` could touch.
fn everything(host: &Host, tailscaled: &Tailscaled) -> String {
    let kernel = host.shell(
        "ip rule; ip -6 rule; ip route show table all; ip -6 route show table all; \
         ip -o link; ip -o address; nft --stateless list ruleset; sysctl net.ipv4.ip_forward",
    );
    format!("{}\n{}", prefs(tailscaled), kernel.succeeded().stdout)
}

/// The control server's nodes, but for when it saw them last.
fn registrations(headscale: &Headscale) -> Value {
    let mut nodes = headscale.admin(&["nodes", "list"]);
    for node in nodes.as_array_mut().expect("a list of nodes") {
        node.as_object_mut().expect("a node").remove("last_seen");
    }
    nodes
}

#[test]
fn a_second_up_writes_nothing() {
    let Some(lab) = lab("a second up") else { return };
    let headscale = lab.headscale().policy(POLICY).start();
    let key = headscale.user("k8s").reusable_key();
    let (a, b) = (lab.host("a").start(), lab.host("b").start());
    let (tailscaled, _other) = (a.tailscaled(), b.tailscaled());
    let wire = Wire::before(&a, &tailscaled);
    let auth = wire.instead(&a.vpn_auth(&headscale, &key));
    up(&b, &b.vpn_auth(&headscale, &key), &["--pod-cidr", "10.42.2.0/24"]).succeeded();
    let first = up(&a, &auth, &["--pod-cidr", "10.42.1.0/24"]).succeeded().json();
    assert_ne!(first["changes"]["changes"], json!([]));
    until("a that knows b's route", NEWS, || {
        let table = a.ip("route show table 52");
        if table.contains("10.42.2.0/24") { Ok(()) } else { Err(table) }
    });

    let writes = wire.writes();
    assert!(writes.contains(&"PATCH prefs".to_owned()), "{writes:?}");
    let before = (everything(&a, &tailscaled), registrations(&headscale));
    let kernel = Kernel::watched(&a);
    let second = up(&a, &auth, &["--pod-cidr", "10.42.1.0/24"]).succeeded().json();
    assert_eq!(second["changes"]["changes"], json!([]));
    assert_eq!(second["status"]["stage"], "proven");
    assert_eq!(wire.writes(), [""; 0]);
    assert_eq!(kernel.changes(), [""; 0]);
    assert_eq!((everything(&a, &tailscaled), registrations(&headscale)), before);
}

#[test]
fn a_changed_pod_cidr_replaces_the_old_one_and_no_route_of_the_admins() {
    let Some(lab) = lab("a changed pod CIDR") else { return };
    let nodes = Nodes::start(&lab);
    nodes.advertise("192.168.7.0/24");
    nodes.up("10.42.1.0/24");
    assert_eq!(nodes.advertised(), ["192.168.7.0/24", "10.42.1.0/24"]);
    // `tailscale set` replaces the whole list; this admin kept what was there.
    nodes.advertise("192.168.7.0/24,192.168.8.0/24,10.42.1.0/24");
    nodes.up("10.42.3.0/24");
    let mut advertised = nodes.advertised();
    advertised.sort();
    assert_eq!(advertised, ["10.42.3.0/24", "192.168.7.0/24", "192.168.8.0/24"]);
    nodes.peer_has(&["10.42.3.0/24", "192.168.7.0/24", "192.168.8.0/24"], &["10.42.1.0/24"]);
    let bridge = nodes.a.ip("address show dev moorline0");
    assert!(bridge.contains("10.42.3.1/24") && !bridge.contains("10.42.1.1/24"), "{bridge}");
    assert_eq!(route_stage(&status(&nodes.a), "10.42.3.0/24"), Some("served"));

    // This one did not; the next `up` brings back ours and nothing else.
    nodes.advertise("192.168.8.0/24");
    nodes.up("10.42.3.0/24");
    assert_eq!(nodes.advertised(), ["192.168.8.0/24", "10.42.3.0/24"]);
    assert_eq!(nodes.up("10.42.3.0/24"), json!([]));
    nodes.a.moorline(["leave"]).succeeded();
    assert_eq!(nodes.advertised(), ["192.168.8.0/24"]);
    nodes.peer_has(&["192.168.8.0/24"], &["10.42.3.0/24", "192.168.7.0/24"]);
}

#[test]
fn what_an_operator_asked_for_and_asks_for_no_more_is_taken_back() {
    let Some(lab) = lab("asked no more") else { return };
    let headscale = lab.headscale().policy(POLICY).start();
    let key = headscale.user("k8s").reusable_key();
    let host = lab.host("a").start();
    let tailscaled = host.tailscaled();
    let plain = host.vpn_auth(&headscale, &key);
    let router = format!("{plain},extraArgs=--advertise-routes=192.168.9.0/24");
    let up = |auth: &str, words: &[&str]| -> Value {
        let mut report = up(&host, auth, words).succeeded().json();
        report["changes"]["changes"].take()
    };
    let translated = || host.shell("nft list table inet moorline-tailscale");

    up(&router, &["--pod-cidr", "10.42.1.0/24"]);
    assert_eq!(up(&router, &["--pod-cidr", "10.42.1.0/24"]), json!([]));
    let rules = translated().succeeded().stdout;
    assert!(rules.contains("daddr 192.168.9.0/24 masquerade"), "{rules}");

    up(&plain, &["--pod-cidr", "10.42.2.0/24"]);
    assert_eq!(tailscaled.prefs()["AdvertiseRoutes"], json!(["10.42.2.0/24"]));
    assert_ne!(translated().code, Some(0));
    assert_eq!(up(&plain, &["--pod-cidr", "10.42.2.0/24"]), json!([]));

    // A member without pods.
    up(&plain, &[]);
    assert_eq!(tailscaled.prefs()["AdvertiseRoutes"], json!(null));
    assert!(!host.ip("link show").contains("moorline"));
    assert_eq!(up(&plain, &[]), json!([]));
}

/// A node enrolled by hand, and another one that sees what it serves.
struct Nodes {
    a: Host,
    tailscaled: Tailscaled,
    b: Host,
    auth: String,
}

impl Nodes {
    fn start(lab: &Lab) -> Nodes {
        let headscale = lab.headscale().policy(POLICY).start();
        let key = headscale.user("k8s").reusable_key();
        let (a, b) = (lab.host("a").start(), lab.host("b").start());
        let tailscaled = a.tailscaled();
        tailscaled.join(&headscale, &key);
        let auth = b.vpn_auth(&headscale, &key);
        let _running = b.tailscaled();
        up(&b, &auth, &["--pod-cidr", "10.42.2.0/24"]).succeeded();
        let auth = a.vpn_auth_without_key(&headscale);
        Nodes { a, tailscaled, b, auth }
    }

    fn advertise(&self, routes: &str) {
        self.tailscaled.tailscale(&["set", &format!("--advertise-routes={routes}")]);
    }

    /// What an `up` with this pod CIDR changed.
    fn up(&self, pod_cidr: &str) -> Value {
        let mut report = up(&self.a, &self.auth, &["--pod-cidr", pod_cidr]).succeeded().json();
        report["changes"]["changes"].take()
    }

    fn advertised(&self) -> Vec<String> {
        let routes = self.tailscaled.prefs()["AdvertiseRoutes"].take();
        serde_json::from_value(routes).expect("a list of routes")
    }

    /// Waits until the peer routes these into the tailnet, and those no more.
    fn peer_has(&self, these: &[&str], not_those: &[&str]) {
        until("the peer's routes", NEWS, || {
            let table = self.b.ip("route show table 52");
            let has = |route: &&str| table.contains(*route);
            if these.iter().all(has) && !not_those.iter().any(has) { Ok(()) } else { Err(table) }
        });
        assert!(self.b.ping(crate::node::address(&self.tailscaled)));
    }
}
