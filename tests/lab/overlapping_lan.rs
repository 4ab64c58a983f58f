//! A part of a node's own LAN that another node serves too: whose traffic went where before
//! Moorline came goes there after it.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;
use testenv::{Authkey, Headscale, Host, Lab, Pod, Tailscaled, Traffic, until};

use crate::common::lab;
use crate::node::{address, prefs, up};

const POLICY: &str = r#"{
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "autoApprovers": {"routes": {"10.42.0.0/16": ["k8s@"], "192.168.0.0/16": ["k8s@"]}}
}"#;

const LAN: &str = "192.168.7.0/24";
/// The node's own address there.
const GATEWAY: &str = "192.168.7.1";
/// Half of the LAN, as another site has it.
const HALF: &str = "192.168.7.128/25";
/// All of the cluster, which the other site serves too.
const CLUSTER: &str = "10.42.0.0/16";
/// Of both sites: who answers is told by whom it sees.
const CAMERA: &str = "192.168.7.200";

/// How long news take through the control server to every node, on a busy machine.
const NEWS: Duration = Duration::from_secs(15);
/// A gap that a person would not notice, with room for a busy machine.
const SHORT: Duration = Duration::from_secs(2);

/// A node with a LAN behind it, and a subnet router that serves half of the same addresses.
struct Scene {
    headscale: Headscale,
    key: Authkey,
    node: Host,
    tailscaled: Tailscaled,
    /// In the half that only the node's own LAN has.
    printer: Pod,
}

impl Scene {
    fn start(lab: &Lab) -> Scene {
        let headscale = lab.headscale().policy(POLICY).start();
        let key = headscale.user("k8s").reusable_key();
        let (node, far) = (lab.host("node").start(), lab.host("far").start());
        let (tailscaled, router) = (node.tailscaled(), far.tailscaled());
        node.bridge("lan0", &format!("{GATEWAY}/24"));
        far.bridge("lan0", "192.168.7.129/25");
        let printer = node.pod("printer", "192.168.7.10/24");
        let cameras = [
            node.pod("camera", &format!("{CAMERA}/24")),
            far.pod("camera", &format!("{CAMERA}/25")),
        ];
        cameras.iter().chain([&printer]).for_each(Traffic::serve);
        router.join(&headscale, &key);
        router.tailscale(&["set", &format!("--advertise-routes={HALF},{CLUSTER}")]);
        Scene { headscale, key, node, tailscaled, printer }
    }

    /// Enrols the node as an administrator does who has never heard of Moorline.
    fn enrol(&self, accept_routes: bool) {
        self.tailscaled.join(&self.headscale, &self.key);
        self.tailscaled.tailscale(&["set", &format!("--accept-routes={accept_routes}")]);
    }

    fn up(&self) {
        let auth = self.node.vpn_auth_without_key(&self.headscale);
        up(&self.node, &auth, &["--pod-cidr", "10.42.1.0/24"]).succeeded();
    }

    /// As whom the node is seen by what it reaches at this address.
    fn seen_by(&self, address: IpAddr) -> Result<IpAddr, String> {
        self.node.fetch(address).seen()
    }

    fn has_the_routes(&self) {
        until("the other site's routes", NEWS, || {
            let table = self.node.ip("route show table 52");
            if table.contains(HALF) && table.contains(CLUSTER) { Ok(()) } else { Err(table) }
        });
    }

    fn own_pods_are_reached(&self) {
        let pod = self.node.pod("pod", "10.42.1.10/24");
        pod.serve();
        assert_eq!(self.seen_by(pod.v4()), Ok(parsed("10.42.1.1")));
    }
}

fn parsed(address: &str) -> IpAddr {
    address.parse().expect("an address")
}

/// The admin's interface, its routes, and the rules that are about the LAN.
fn lan(node: &Host) -> String {
    let lan = "ip -o address show dev lan0; ip route show table all dev lan0; ip rule show to";
    node.shell(&format!("{lan} {LAN}; ip rule show to {HALF}")).succeeded().stdout
}

#[test]
fn a_part_that_an_admin_took_from_elsewhere_is_still_taken_from_there() {
    let Some(lab) = lab("taken from elsewhere") else { return };
    let scene = Scene::start(&lab);
    scene.enrol(true);
    scene.has_the_routes();
    let in_tailnet = address(&scene.tailscaled);
    until("a way to the other site", NEWS, || scene.seen_by(parsed(CAMERA)));
    let ways = || [scene.printer.v4(), parsed(CAMERA)].map(|address| scene.seen_by(address));
    let as_before = [Ok(parsed(GATEWAY)), Ok(in_tailnet)];
    assert_eq!(ways(), as_before);
    let before = (prefs(&scene.tailscaled), lan(&scene.node));
    let transfers =
        [scene.printer.v4(), parsed(CAMERA)].map(|address| scene.node.transfer(address));

    scene.up();
    assert_eq!(ways(), as_before);
    assert_eq!(lan(&scene.node), before.1);
    scene.own_pods_are_reached();
    let prefs_now = scene.tailscaled.prefs();
    assert_eq!(prefs_now["AdvertiseRoutes"], json!(["10.42.1.0/24"]));
    assert_eq!(prefs_now["RouteAll"], json!(true));

    scene.node.moorline(["leave"]).succeeded();
    assert_eq!(ways(), as_before);
    assert_eq!((prefs(&scene.tailscaled), lan(&scene.node)), before);
    for transfer in transfers {
        transfer.goes_on(10_000, NEWS);
        assert!(transfer.longest_gap() < SHORT, "{:?}", transfer.longest_gap());
    }
}

#[test]
fn a_lan_is_not_taken_by_the_routes_that_we_switch_on() {
    let Some(lab) = lab("not taken") else { return };
    let scene = Scene::start(&lab);
    scene.enrol(false);
    assert_eq!(scene.seen_by(parsed(CAMERA)), Ok(parsed(GATEWAY)));
    let before = prefs(&scene.tailscaled);
    let transfer = scene.node.transfer(parsed(CAMERA));

    scene.up();
    scene.has_the_routes();
    scene.own_pods_are_reached();
    assert_eq!(scene.seen_by(parsed(CAMERA)), Ok(parsed(GATEWAY)));
    scene.node.moorline(["leave"]).succeeded();
    assert_eq!(scene.seen_by(parsed(CAMERA)), Ok(parsed(GATEWAY)));
    assert_eq!(prefs(&scene.tailscaled), before);
    transfer.goes_on(10_000, NEWS);
    assert!(transfer.longest_gap() < SHORT, "{:?}", transfer.longest_gap());
}
