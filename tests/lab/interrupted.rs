//! An `up` that is ended in the middle, and two of them at once.

use std::time::Duration;

use serde_json::Value;
use testenv::{Host, Lab, Running, Tailscaled, until};

use crate::common::lab;
use crate::daemon_log::DaemonLog;
use crate::dials::Dials;
use crate::refusal::{Refusal, SOON};

const POD_CIDR: &str = "10.42.1.0/24";

/// A node that begins to join a server which never answers.
struct Scene {
    /// The `--vpn-auth` of one that does answer.
    auth: String,
    host: Host,
    tailscaled: Tailscaled,
    before: Value,
    up: Running,
}

impl Scene {
    fn new(lab: &Lab) -> Scene {
        let headscale = lab.headscale().start();
        let host = lab.host("a").start();
        let tailscaled = host.tailscaled();
        let before = tailscaled.prefs();
        let black_hole = format!("http://{}:8080", lab.black_hole());
        let auth = host.vpn_auth(&headscale, &headscale.user("k8s").reusable_key());
        let silent = auth.replace(&headscale.url(), &black_hole);
        let up = host.moorline_with(words(&silent)).start();
        let log = DaemonLog::of(lab, &host);
        until("a daemon that tries", SOON, || match log.attempts() {
            0 => Err("no attempt yet"),
            _ => Ok(()),
        });
        Scene { auth, host, tailscaled, before, up }
    }
}

fn words(auth: &str) -> Vec<String> {
    let words = ["up", "--json", "--wait", "joined", "--pod-cidr", POD_CIDR, "--vpn-auth", auth];
    words.map(str::to_owned).into()
}

/// Joins for good, leaves, and finds the node as it was at first.
fn joins_and_leaves(host: &Host, auth: &str, tailscaled: &Tailscaled, before: &Value) {
    let _ = host.moorline(words(auth)).succeeded();
    let _ = host.moorline(["leave"]).succeeded();
    until("a node that left", SOON, || match tailscaled.status()["BackendState"].as_str() {
        Some("NeedsLogin") => Ok(()),
        state => Err(state.map(str::to_owned)),
    });
    let after = tailscaled.prefs();
    for name in ["RouteAll", "NoSNAT", "NoStatefulFiltering", "CorpDNS", "AdvertiseRoutes"] {
        assert_eq!(after[name], before[name], "{name}");
    }
}

#[test]
fn ctrl_c_ends_the_daemons_attempts_too() {
    let Some(lab) = lab("interrupted") else { return };
    let Scene { auth, host, tailscaled, before, up } = Scene::new(&lab);
    let dials = Dials::of(&host, &tailscaled);
    up.interrupt();
    let run = up.finish(SOON);
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.duration < SOON, "{run:?}");
    dials.have_ended();
    assert_eq!(tailscaled.prefs(), before);
    joins_and_leaves(&host, &auth, &tailscaled, &before);
}

#[test]
fn an_up_that_was_killed_is_taken_up_by_the_next() {
    let Some(lab) = lab("killed") else { return };
    let Scene { auth, host, tailscaled, before, up } = Scene::new(&lab);
    let _ = up.kill();
    joins_and_leaves(&host, &auth, &tailscaled, &before);
}

#[test]
fn an_up_that_was_killed_is_taken_back_by_leave() {
    let Some(lab) = lab("killed, then left") else { return };
    let Scene { host, tailscaled, before, up, .. } = Scene::new(&lab);
    let dials = Dials::of(&host, &tailscaled);
    let _ = up.kill();
    let _ = host.moorline(["leave"]).succeeded();
    dials.have_ended();
    assert_eq!(tailscaled.prefs(), before);
}

#[test]
fn two_at_once_do_not_mix() {
    let Some(lab) = lab("two at once") else { return };
    let Scene { auth, host, up, .. } = Scene::new(&lab);
    let lock = host.state_dir().join("lock").display().to_string();
    let run = host.moorline(words(&auth));
    assert!(run.duration < Duration::from_secs(5), "{run:?}");
    Refusal::of(run, 5).is("state-locked", &lock);
    let _ = up.kill();
    let _ = host.moorline(words(&auth)).succeeded();
}
