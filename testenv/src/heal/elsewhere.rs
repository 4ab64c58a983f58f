//! The same two nodes without Moorline: joined by the `tailscale` command, and flanneld runs
//! its one command once, as k3s has it.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use super::row::Row;
use super::site::{PACE, PATIENCE, POLICY, Site, Way, pod};
use crate::until::within;
use crate::{Flanneld, Host, Lab, Traffic, until};

impl Site {
    /// The two nodes as k3s makes them.
    pub fn of_k3s(lab: &Lab) -> Site {
        let headscale = lab.headscale().policy(POLICY).start();
        let key = headscale.user("k8s").reusable_key();
        let store = Flanneld::store(headscale.host());
        let node = |name: &str, number: u8| {
            let host = lab.host(name).start();
            let tailscaled = host.tailscaled();
            tailscaled.tailscale(&[
                "up",
                &format!("--login-server={}", headscale.url()),
                &format!("--auth-key={}", key.secret()),
                "--timeout=30s",
            ]);
            let flanneld = Flanneld::start(&host, &tailscaled, &store, number);
            make_bridge(&host, number);
            (host, tailscaled, flanneld)
        };
        let ((a, tailscaled, _), (b, ..)) = (node("a", 1), node("b", 2));
        let pods = [pod(&a, 1), pod(&b, 2)];
        pods[1].serve();
        let site = Site {
            headscale,
            key,
            a,
            tailscaled,
            pods,
            way: Way::default(),
            service: RefCell::default(),
            transfer: RefCell::default(),
        };
        site.is_well();
        site
    }

    /// Breaks the same thing; how long until it is whole, where it ever is within this time.
    /// systemd starts a daemon again that was killed, and leaves one alone that ended well.
    pub fn meets_without_moorline(&self, row: &Row, patience: Duration) -> Option<Duration> {
        let is_whole = row.elsewhere.as_ref()?;
        let started = Instant::now();
        self.does(&row.fault);
        if self.tailscaled.was_killed() {
            self.tailscaled.start();
        }
        let whole = || if self.probe(is_whole) { Ok(started.elapsed()) } else { Err(()) };
        within(patience, PACE, whole).ok()
    }

    /// What an operator does then: everything anew.
    pub fn is_restored(&self) {
        self.a.shell("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1").succeeded();
        self.tailscaled.stop();
        self.tailscaled.start();
        let server = format!("--login-server={}", self.headscale.url());
        let key = format!("--auth-key={}", self.key.secret());
        let again = ["up", "--reset", "--accept-routes", &server, &key, ROUTES];
        until("a node that joins again", PATIENCE, || {
            let run = self.tailscaled.try_tailscale(&again);
            if run.code == Some(0) { Ok(()) } else { Err(run) }
        });
        self.is_well();
    }
}

const ROUTES: &str = "--advertise-routes=10.42.1.0/24,2001:cafe:42:1::/64";

/// What the CNI does for flannel.
fn make_bridge(host: &Host, number: u8) {
    host.bridge("cni0", &format!("10.42.{number}.1/24 2001:cafe:42:{number}::1/64"));
}
