//! A node that somebody enrolled by hand is used as it is, and given back as it was.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use testenv::{Headscale, Host, Lab, Pod, Tailscaled, Traffic, until};

use crate::common::lab;
use crate::node::{address, change_prefs, prefs, up};

const POLICY: &str = r#"{
    "tagOwners": {"tag:k8s": []},
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "autoApprovers": {"routes": {"10.42.0.0/16": ["tag:k8s"], "192.168.0.0/16": ["tag:k8s"]}}
}"#;

/// A subnet router with a LAN behind it, and a node across the tailnet.
struct Scene {
    headscale: Headscale,
    router: Host,
    tailscaled: Tailscaled,
    /// Knows its way into the tailnet.
    client: Pod,
    /// Knows its own LAN and nothing beyond: it can answer only whom the router translates.
    printer: Pod,
    far: Host,
    far_tailscaled: Tailscaled,
}

impl Scene {
    fn start(lab: &Lab) -> Scene {
        let headscale = lab.headscale().policy(POLICY).start();
        let (router, far) = (lab.host("router").start(), lab.host("far").start());
        let (tailscaled, far_tailscaled) = (router.tailscaled(), far.tailscaled());
        router.bridge("lan0", "192.168.7.1/24");
        let client = router.pod("client", "192.168.7.10/24");
        let printer = router.pod("printer", "192.168.7.11/24");
        printer.ip("route del default");
        // The router's pods have a bridge of their CNI's own, the far node's get ours.
        router.bridge("cni0", "10.42.1.1/24");
        printer.serve();
        far.serve();
        Scene { headscale, router, tailscaled, client, printer, far, far_tailscaled }
    }

    /// Enrols the router as an administrator does who has never heard of Moorline, with every
    /// setting of ours the other way.
    fn enrol(&self) {
        let key = self.headscale.tagged_key("tag:k8s");
        self.far_tailscaled.join(&self.headscale, &key);
        self.tailscaled.tailscale(&[
            "up",
            &format!("--login-server={}", self.headscale.url()),
            &format!("--auth-key={}", key.secret()),
            "--advertise-routes=192.168.7.0/24,192.168.70.0/24",
            "--hostname=gate",
            "--ssh",
            "--operator=nobody",
            "--accept-routes=false",
            "--accept-dns=true",
            "--snat-subnet-routes=true",
            "--timeout=30s",
        ]);
    }

    /// Whom the printer sees when the far node prints; none where nothing comes back.
    fn printed(&self) -> Result<std::net::IpAddr, String> {
        self.far.fetch(self.printer.v4()).seen()
    }
}

#[test]
fn an_adopted_subnet_router_serves_its_lan_all_the_while_and_is_given_back_as_it_was() {
    let Some(lab) = lab("adoption") else { return };
    let scene = Scene::start(&lab);
    scene.enrol();
    let lan_gateway = scene.router_on_lan();
    until("a way to the printer", NEWS, || scene.printed());
    assert_eq!(scene.printed(), Ok(lan_gateway), "tailscaled translates");
    let before = prefs(&scene.tailscaled);
    let into_lan = scene.far.transfer(scene.printer.v4());
    let out_of_lan = scene.client.transfer(address(&scene.far_tailscaled));

    let far_auth = scene.far.vpn_auth_without_key(&scene.headscale);
    up(&scene.far, &far_auth, &["--pod-cidr", "10.42.2.0/24"]).succeeded();
    let auth = scene.router.vpn_auth_without_key(&scene.headscale);
    let again = || up(&scene.router, &auth, &["--pod-cidr", "10.42.1.0/24"]).succeeded().json();
    let report = scene.while_it_prints(again);
    assert_eq!(report["status"]["stage"], "proven");
    assert_eq!(report["status"]["membership"]["enrolment"], "adopted");
    scene.keeps_what_is_the_admins();
    scene.pods_keep_their_addresses();
    assert_eq!(again()["changes"]["changes"], json!([]));

    scene.while_it_prints(|| scene.router.moorline(["leave"]).succeeded());
    assert_eq!(prefs(&scene.tailscaled), before);
    assert_eq!(scene.printed(), Ok(lan_gateway), "tailscaled translates again");
    let left = scene.router.shell("ip rule; ip link; nft list tables").succeeded();
    assert!(!left.stdout.contains("moorline") && !left.stdout.contains("proto 77"), "{left:?}");
    for transfer in [into_lan, out_of_lan] {
        transfer.goes_on(10_000, NEWS);
        assert!(transfer.longest_gap() < SHORT, "{:?}", transfer.longest_gap());
    }
}

/// How long news take through the control server to every node, on a busy machine.
const NEWS: Duration = Duration::from_secs(15);
/// A gap that a person would not notice, with room for a busy machine.
const SHORT: Duration = Duration::from_secs(2);

impl Scene {
    fn router_on_lan(&self) -> std::net::IpAddr {
        "192.168.7.1".parse().expect("an address")
    }

    /// Prints without a pause while this is done: every new connection must find its way, and
    /// be translated.
    fn while_it_prints<T>(&self, job: impl FnOnce() -> T) -> T {
        let is_done = AtomicBool::new(false);
        std::thread::scope(|threads| {
            let printing = threads.spawn(|| {
                let mut pages = 0;
                while !is_done.load(Ordering::Relaxed) {
                    assert_eq!(self.printed(), Ok(self.router_on_lan()), "page {pages}");
                    pages += 1;
                }
                pages
            });
            let answer = job();
            is_done.store(true, Ordering::Relaxed);
            assert!(printing.join().expect("every page") > 5);
            answer
        })
    }

    fn keeps_what_is_the_admins(&self) {
        let prefs = self.tailscaled.prefs();
        let ours = ["RouteAll", "NoSNAT"].map(|name| prefs[name].clone());
        assert_eq!(ours, [json!(true), json!(true)]);
        for (name, value) in [
            ("Hostname", json!("gate")),
            ("RunSSH", json!(true)),
            ("OperatorUser", json!("nobody")),
            ("CorpDNS", json!(true)),
        ] {
            assert_eq!(prefs[name], value, "{name}");
        }
        let node = self.headscale.node("gate");
        assert_eq!(node.tags, ["tag:k8s"]);
        assert_eq!(node.subnet_routes.len(), 3, "{node:?}");
    }

    fn pods_keep_their_addresses(&self) {
        let here = self.router.pod("pod", "10.42.1.10/24");
        let there = self.far.pod("pod", "10.42.2.10/24");
        here.serve();
        there.serve();
        assert_eq!(there.fetch(here.v4()).from_address(), there.v4());
        assert_eq!(here.fetch(there.v4()).from_address(), here.v4());
    }
}

#[test]
fn preferences_come_back_byte_for_byte_however_they_were() {
    let Some(lab) = lab("preferences come back") else { return };
    let headscale = lab.headscale().policy(POLICY).start();
    let key = headscale.tagged_key("tag:k8s");
    let host = lab.host("a").start();
    let tailscaled = host.tailscaled();
    tailscaled.join(&headscale, &key);
    let auth = host.vpn_auth_without_key(&headscale);
    for edit in edits() {
        change_prefs(&tailscaled, &edit);
        let before = prefs(&tailscaled);
        let words = ["--pod-cidr", "10.42.1.0/24", "--wait", "joined"];
        up(&host, &auth, &words).succeeded();
        assert!(prefs(&tailscaled).contains("10.42.1.0/24"));
        host.moorline(["leave"]).succeeded();
        assert_eq!(prefs(&tailscaled), before, "after {edit}");
    }
}

/// What an admin may have made of the preferences that are ours for a while.
fn edits() -> Vec<Value> {
    let routes = |list: Value| json!({"AdvertiseRoutesSet": true, "AdvertiseRoutes": list});
    vec![
        routes(json!(null)),
        routes(json!([])),
        routes(json!(["192.168.9.0/24", "fd00:7::/64", "192.168.7.0/24"])),
        routes(json!(["192.168.9.0/24", "10.42.1.0/24", "192.168.7.0/24"])),
        json!({"RouteAllSet": true, "RouteAll": false, "NoSNATSet": true, "NoSNAT": true}),
        json!({"NoStatefulFilteringSet": true, "NoStatefulFiltering": false,
               "CorpDNSSet": true, "CorpDNS": true, "NoSNATSet": true, "NoSNAT": false}),
        json!({"NoStatefulFilteringSet": true, "NoStatefulFiltering": null}),
        json!({"NetfilterModeSet": true, "NetfilterMode": 0}),
        json!({"NetfilterModeSet": true, "NetfilterMode": 2, "AdvertiseRoutesSet": true,
               "AdvertiseRoutes": ["0.0.0.0/0", "::/0", "192.168.7.0/24"]}),
        json!({"WantRunningSet": true, "WantRunning": false}),
    ]
}
