//! The service is killed wherever it changes something, and the next one makes it whole.

use std::time::Duration;

use moorline::fault::{self, Point};
use testenv::{Host, Lab, Moorline, Pings, Traffic, until};

use crate::common::lab;
use crate::refusal::SOON;
use crate::run::words;
use crate::scene::{AUTO_APPROVED, Joiner, Scene};
use crate::snapshot::Snapshot;

const SIGABRT: i32 = 6;

/// A node `a` that a service keeps now and then, and another node.
struct Kept<'a> {
    a: Host,
    auth: String,
    b: Joiner<'a>,
}

impl<'a> Kept<'a> {
    fn new(lab: &Lab, scene: &'a Scene) -> Kept<'a> {
        let b = scene.joined(lab.host("b"), 2);
        let a = lab.host("a").start();
        a.tailscaled();
        Kept { auth: scene.auth(&a), a, b }
    }

    fn service(&self) -> Moorline {
        self.a.moorline_with(words(&self.auth))
    }

    /// What a service makes that nobody kills.
    fn whole(&self) -> Snapshot {
        let mut service = self.service().start();
        service.says("to=proven", SOON);
        let whole = Snapshot::of_network(&self.a);
        service.interrupt();
        service.finish(Duration::from_secs(1)).succeeded();
        whole
    }

    /// A service dies at this point, and the next one makes all as it is to be.
    fn survives(&self, point: Point, whole: &Snapshot) {
        let run = self.service().env(fault::VARIABLE, point.name()).start().finish(SOON);
        assert_eq!(run.signal, Some(SIGABRT), "{point:?}: {run:?}");
        let service = self.service().start();
        until(&format!("a node that is whole after {point:?}"), SOON, || {
            let differences = whole.differences(&Snapshot::of_network(&self.a));
            if differences.is_empty() { Ok(()) } else { Err((differences, service.said())) }
        });
        service.interrupt();
        service.finish(Duration::from_secs(1)).succeeded();
    }

    /// As if moorline had never been there.
    fn leaves(&self) {
        self.a.moorline(["leave"]).succeeded();
        self.a.forwarding(false);
        self.a.shell("sysctl -qw net.ipv6.conf.eth0.accept_ra=1").succeeded();
        std::fs::remove_dir_all(self.a.state_dir()).expect("a folder of the state");
    }
}

#[test]
fn a_service_that_is_killed_while_it_joins_is_taken_up_by_the_next() {
    let Some(lab) = lab("killed while it joins") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let kept = Kept::new(&lab, &scene);
    // The daemon's own traces of a first login.
    kept.whole();
    kept.leaves();
    let whole = kept.whole();
    for point in Point::ALL {
        kept.leaves();
        kept.survives(*point, &whole);
    }
}

/// What a service comes by that has the pod network to mend.
const MENDING: [Point; 10] = [
    Point::BeforeForwarding,
    Point::Forwarding,
    Point::Swept,
    Point::Lent,
    Point::Bridged,
    Point::Admitted,
    Point::BeforeAct,
    Point::Acted,
    Point::LookedAgain,
    Point::Unpublished,
];

#[test]
fn a_service_that_is_killed_while_it_mends_cuts_nothing() {
    let Some(lab) = lab("killed while it mends") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let kept = Kept::new(&lab, &scene);
    kept.whole();
    let [here, there] = [kept.a.pod("pod", "10.42.1.10/24"), kept.b.a_pod()];
    let whole = kept.whole();
    let pings = here.pinging(there.v4());
    for point in MENDING {
        kept.a
            .shell("nft delete table inet moorline && ip link delete moorline-canary")
            .succeeded();
        kept.survives(point, &whole);
        go_on(&pings);
    }
}

/// They are answered, every one.
fn go_on(pings: &Pings) {
    let before = pings.answered();
    until("answers", SOON, || if pings.answered() > before + 3 { Ok(()) } else { Err("none yet") });
    assert_eq!(pings.lost(), 0);
}
