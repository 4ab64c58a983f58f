//! Control servers that are away, or are none: each is named within seconds, the daemon is
//! made to stop trying, and the node can join a good one right after.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;
use testenv::{Host, Lab, Tailscaled};

use crate::common::lab;
use crate::dials::Dials;
use crate::refusal::Refusal;

/// Text that is never used: no server is reached.
const KEY: &str = "hskey-auth-000000000000-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// What a server is given that may only be slow, and the command around it.
const SECONDS: Duration = Duration::from_secs(12);

/// `moorline up` at this URL, by a key that is not needed to see what is wrong.
fn up(host: &Host, url: &str, deadline: &str) -> testenv::Run {
    let key = host.secret_file("join-key", KEY);
    let socket = host.folder().join("run/tailscale/tailscaled.sock");
    let auth = format!(
        "name=tailscale,controlServerURL={url},joinKey=file:{},socket={}",
        key.display(),
        socket.display()
    );
    let words = ["up", "--json", "--wait", "joined", "--join-deadline", deadline];
    host.moorline(words.into_iter().chain(["--vpn-auth", auth.as_str()]))
}

/// A node that tries one server after the other.
struct Node {
    host: Host,
    tailscaled: Tailscaled,
    before: Value,
}

impl Node {
    fn new(lab: &Lab) -> Node {
        let host = lab.host("a").start();
        let tailscaled = host.tailscaled();
        let before = tailscaled.prefs();
        Node { host, tailscaled, before }
    }

    /// Checks what is said of this URL and how the command ends; that it takes seconds only;
    /// and that the node is then as before, with a daemon that looks for no server any more.
    #[track_caller]
    fn names(&self, dials: &Dials<'_>, url: &str, exit: i32, code: &str) -> Refusal {
        let run = up(&self.host, url, "60s");
        assert!(run.duration < SECONDS, "{url}: {run:?}");
        let error = Refusal::of(run, exit).is(code, url);
        self.is_as_before(dials);
        error
    }

    #[track_caller]
    fn is_as_before(&self, dials: &Dials<'_>) {
        dials.have_ended();
        assert_eq!(self.tailscaled.prefs(), self.before);
    }
}

/// An address in the host's own network that nobody has.
fn nobody(host: &Host) -> IpAddr {
    let IpAddr::V4(own) = host.address() else { panic!("an IPv4 address") };
    let [a, b, c, _] = own.octets();
    [a, b, c, 77].into()
}

#[test]
fn a_server_that_is_away_is_named() {
    let Some(lab) = lab("no server") else { return };
    let node = Node::new(&lab);
    let elsewhere = lab.host("b").start().address();
    let dials = Dials::of(&node.host, &node.tailscaled);
    node.names(&dials, &format!("http://{elsewhere}:9000"), 7, "control-refused");
    node.names(&dials, &format!("http://{}:8080", nobody(&node.host)), 7, "control-unreachable");
    node.host.ip("route del default");
    node.names(&dials, &format!("http://{elsewhere}:8080"), 7, "control-unreachable");
}

#[test]
fn a_server_whose_name_does_not_resolve_is_named() {
    let Some(lab) = lab("no name") else { return };
    let node = Node::new(&lab);
    let dials = Dials::of(&node.host, &node.tailscaled);
    node.names(&dials, "http://headscale.invalid:8080", 7, "control-name");
    // tailscaled asks Tailscale's relays for a name that it cannot resolve.
    for stray in lab.strays() {
        assert!(stray.starts_with("a -> ") && stray.ends_with(" tcp 443"), "{stray}");
    }
    lab.forgive_strays();
}

#[test]
fn a_server_that_says_nothing_has_until_the_deadline() {
    let Some(lab) = lab("a black hole") else { return };
    let node = Node::new(&lab);
    let dials = Dials::of(&node.host, &node.tailscaled);
    let url = format!("http://{}:8080", lab.black_hole());
    let run = up(&node.host, &url, "6s");
    let span = Duration::from_secs(6)..SECONDS;
    assert!(span.contains(&run.duration), "{run:?}");
    let error = Refusal::of(run, 7).is("control-silent", &url);
    assert!(error.fix.is_some_and(|fix| fix.contains(&url)), "a command to try it by hand");
    node.is_as_before(&dials);
}

#[test]
fn a_web_server_that_is_no_control_server_is_named() {
    let Some(lab) = lab("web servers") else { return };
    let node = Node::new(&lab);
    let dials = Dials::of(&node.host, &node.tailscaled);
    for (name, status, exit, code) in [
        ("fine", "200 OK", 2, "control-not-one"),
        ("lost", "404 Not Found", 2, "control-not-one"),
        ("locked", "403 Forbidden", 2, "control-not-one"),
        ("down", "503 Service Unavailable", 7, "control-failing"),
        ("gateway", "502 Bad Gateway", 7, "control-failing"),
    ] {
        let error = node.names(&dials, &lab.web_server(name, status), exit, code);
        if status != "200 OK" {
            assert!(error.what.contains(status), "{error:?}");
        }
    }
    let plain = lab.headscale().start().url();
    node.names(&dials, &plain.replace("http://", "https://"), 2, "control-scheme");
}

#[test]
fn a_certificate_that_nobody_trusts_is_named_and_a_trusted_one_works() {
    let Some(lab) = lab("certificates") else { return };
    let headscale = lab.headscale().https().start();
    let key = headscale.user("k8s").reusable_key();
    let node = Node::new(&lab);
    let dials = Dials::of(&node.host, &node.tailscaled);
    node.names(&dials, &headscale.url(), 2, "control-certificate");
    node.names(&dials, &headscale.url().replace("https://", "http://"), 2, "control-scheme");
    node.tailscaled.stop();
    node.host.trust(&headscale);
    node.tailscaled.start();
    let auth = node.host.vpn_auth(&headscale, &key);
    let _ = node.host.moorline(["up", "--wait", "joined", "--vpn-auth", &auth]).succeeded();
    assert!(headscale.node("a").online);
}

#[test]
fn a_member_goes_on_while_its_server_is_away() {
    let Some(lab) = lab("a server that went away") else { return };
    let headscale = lab.headscale().start();
    let node = Node::new(&lab);
    let auth = node.host.vpn_auth(&headscale, &headscale.user("k8s").reusable_key());
    let words = ["up", "--json", "--wait", "joined", "--vpn-auth", &auth];
    let _ = node.host.moorline(words).succeeded();
    headscale.stop();
    let run = node.host.moorline(words).succeeded();
    assert!(run.duration < SECONDS, "{run:?}");
    let status = node.host.moorline(["status", "--json", "--prove"]).succeeded();
    assert!(status.stdout.contains("control-away"), "{}", status.stdout);
}
