//! The service keeps a node as it is to be.

use std::time::Duration;

use testenv::{Host, Lab, Running, Tailscaled, Traffic, until};

use crate::common::lab;
use crate::node::{finding, route_stage, status};
use crate::refusal::SOON;
use crate::repairs::JOINS;
use crate::scene::{AUTO_APPROVED, Joiner, Scene};

/// A node `a` that the service keeps, and another node.
struct Kept<'a> {
    a: Host,
    tailscaled: Tailscaled,
    service: Running,
    b: Joiner<'a>,
}

impl<'a> Kept<'a> {
    fn new(lab: &Lab, scene: &'a Scene) -> Kept<'a> {
        let b = scene.joined(lab.host("b"), 2);
        let a = lab.host("a").start();
        let (tailscaled, auth) = (a.tailscaled(), scene.auth(&a));
        let service = a.moorline_with(words(&auth)).start();
        let kept = Kept { a, tailscaled, service, b };
        kept.is_proven();
        kept
    }

    fn is_proven(&self) {
        until("a node that the service proves", SOON, || {
            let run = self.a.moorline(["status", "--json", "--prove"]);
            let stage = (run.code == Some(0)).then(|| run.json()["stage"].clone());
            match stage {
                Some(stage) if stage == "proven" => Ok(()),
                _ => Err(format!("{run:?}\n{}", self.service.said())),
            }
        });
    }

    /// Breaks something, and waits until it is whole again.
    fn mends(&self, what: &str, line: &str, is_whole: &str) {
        self.a.shell(line).succeeded();
        until(&format!("{what} that is mended"), SOON, || {
            let run = self.a.shell(is_whole);
            if run.code == Some(0) { Ok(()) } else { Err(self.service.said()) }
        });
        self.is_proven();
    }
}

/// The words of the service on `a`.
pub(crate) fn words(auth: &str) -> Vec<String> {
    let words = ["run", "-v", "--vpn-auth", auth];
    words.iter().chain(&JOINS).map(|word| (*word).to_owned()).collect()
}

#[test]
fn the_service_joins_and_mends_what_somebody_breaks() {
    let Some(lab) = lab("service") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let kept = Kept::new(&lab, &scene);
    let forwards = "test $(cat /proc/sys/net/ipv4/ip_forward) = 1";
    kept.mends("forwarding", "sysctl -qw net.ipv4.ip_forward=0", forwards);
    let canary = "ip link show moorline-canary";
    kept.mends("the canary", "ip link delete moorline-canary", canary);
    kept.mends("the pod bridge", "ip link delete moorline0", "ip link show moorline0");
}

#[test]
fn an_admins_routes_stay_and_ours_are_added_back_once() {
    let Some(lab) = lab("service routes") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let kept = Kept::new(&lab, &scene);
    let advertises = |ours: bool| {
        let now = status(&kept.a);
        let has = |prefix| route_stage(&now, prefix).is_some();
        match has("192.168.77.0/24") && has("10.42.1.0/24") == ours {
            true => Ok(()),
            false => Err(format!("{now:#}\n{}", kept.service.said())),
        }
    };
    kept.tailscaled.tailscale(&["set", "--advertise-routes=192.168.77.0/24"]);
    until("our routes, beside the admin's", SOON, || advertises(true));
    kept.tailscaled.tailscale(&["set", "--advertise-routes=192.168.77.0/24"]);
    until("a quarrel", SOON, || {
        let said = kept.service.said();
        if said.contains("changed-back") { Ok(()) } else { Err(said) }
    });
    until("our routes, after a while", SOON, || advertises(true));
}

#[test]
fn a_daemon_that_comes_back_is_taken_up_again() {
    let Some(lab) = lab("service daemon") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let mut kept = Kept::new(&lab, &scene);
    kept.tailscaled.kill();
    until("a service that misses the daemon", SOON, || {
        let said = kept.service.said();
        if said.contains("tailscaled-absent") { Ok(()) } else { Err(said) }
    });
    kept.tailscaled.start();
    kept.is_proven();
    assert!(kept.service.is_running());
    let said = status(&kept.a);
    assert_eq!(finding(&said, "tailscaled-absent"), None);
}

#[test]
fn ending_the_service_cuts_nothing() {
    let Some(lab) = lab("service end") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let kept = Kept::new(&lab, &scene);
    let pods = [kept.a.pod("pod", "10.42.1.10/24"), kept.b.a_pod()];
    assert!(pods[0].ping(pods[1].v4()));
    kept.service.interrupt();
    kept.service.finish(Duration::from_secs(1)).ended_with(0);
    assert!(pods[0].ping(pods[1].v4()));
}
