//! Several clusters, or several lives of one node, in one tailnet.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use testenv::{Authkey, Headscale, Hook, Host, Lab, Running, Tailscaled, Traffic, until};

use crate::common::lab;
use crate::node::{self, address, finding, fix, status, up};

const POLICY: &str = r#"{
    "tagOwners": {"tag:one": [], "tag:two": []},
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "autoApprovers": {"routes": {
        "10.42.0.0/16": ["k8s@", "tag:one", "tag:two"], "10.44.0.0/16": ["k8s@"]
    }}
}"#;

/// How long news take through the control server to every node, on a busy machine.
const NEWS: Duration = Duration::from_secs(15);

/// How long services take to join and to tell each other who they are.
const PATIENCE: Duration = Duration::from_secs(60);

/// A tailnet, and the key of a user that all clusters share.
struct Tailnet<'a> {
    lab: &'a Lab,
    headscale: Headscale,
    key: Authkey,
}

/// A node that is ready to join.
struct Node {
    host: Host,
    tailscaled: Tailscaled,
    auth: String,
}

impl<'a> Tailnet<'a> {
    fn start(lab: &'a Lab) -> Tailnet<'a> {
        let headscale = lab.headscale().policy(POLICY).start();
        let key = headscale.user("k8s").reusable_key();
        Tailnet { lab, headscale, key }
    }

    fn node(&self, name: &str) -> Node {
        self.node_with(name, &self.key)
    }

    fn node_with(&self, name: &str, key: &Authkey) -> Node {
        let host = self.lab.host(name).start();
        let auth = host.vpn_auth(&self.headscale, key);
        Node { tailscaled: host.tailscaled(), host, auth }
    }

    fn member(&self, name: &str, pod_cidr: &str) -> Node {
        let node = self.node(name);
        node.up(pod_cidr);
        node
    }
}

impl Node {
    fn up(&self, pod_cidr: &str) -> Value {
        up(&self.host, &self.auth, &["--pod-cidr", pod_cidr]).succeeded().json()
    }

    fn refused(&self, words: &[&str], exit_code: i32) -> Value {
        up(&self.host, &self.auth, words).ended_with(exit_code).json()["error"].take()
    }

    /// The service, in this cluster.
    fn runs(&self, cluster: &str, pod_cidr: &str) -> Running {
        let words = ["run", "-v", "--vpn-auth", &self.auth];
        let cluster = ["--cluster", cluster, "--pod-cidr", pod_cidr];
        self.host.moorline_with([words, cluster].concat()).start()
    }

    /// Waits until this node's peer is listed so.
    fn sees(&self, peer: &str, kinship: &str) {
        until("a peer that is listed", NEWS, || {
            let status = status(&self.host);
            let peers = status["peers"].as_array().cloned().unwrap_or_default();
            let listed = peers.iter().any(|it| it["name"] == peer && it["kinship"] == kinship);
            if listed { Ok(()) } else { Err(peers) }
        });
    }
}

#[test]
fn a_pod_cidr_of_somebody_else_is_refused_with_the_owners_name() {
    let Some(lab) = lab("taken") else { return };
    let tailnet = Tailnet::start(&lab);
    let _holder = tailnet.member("holder", "10.42.1.0/24");
    let other = tailnet.node("other");
    // The same, one that holds it, one inside of it: each would take the owner's traffic.
    for pod_cidr in ["10.42.1.0/24", "10.42.0.0/23", "10.42.1.128/25"] {
        let error = other.refused(&["--pod-cidr", pod_cidr], 5);
        assert_eq!(error["code"], "pod-cidr-taken", "{error}");
        let what = error["what"].as_str().expect("words");
        assert!(what.contains(pod_cidr) && what.contains("holder"), "{what}");
        assert!(other.tailscaled.prefs()["AdvertiseRoutes"].is_null(), "{pod_cidr}");
    }
    other.up("10.42.2.0/24");
}

#[test]
fn an_owner_that_is_online_and_silent_is_no_less_an_owner() {
    let Some(lab) = lab("silent") else { return };
    let tailnet = Tailnet::start(&lab);
    let holder = tailnet.member("holder", "10.42.1.0/24");
    let _silence = holder.host.drops(Hook::Input, "iifname tailscale0");
    let other = tailnet.node("other");
    let run = up(&other.host, &other.auth, &["--pod-cidr", "10.42.1.0/24"]).ended_with(5);
    assert!(run.stderr.contains("holder had this pod CIDR"), "{}", run.stderr);
    assert_eq!(run.json()["error"]["code"], "pod-cidr-taken");
    assert!(other.tailscaled.prefs()["AdvertiseRoutes"].is_null());
    assert!(!other.host.ip("link show").contains("moorline"), "no bridge was made");
}

#[test]
fn a_free_share_of_another_cluster_is_refused_by_the_own_cluster_cidr() {
    let Some(lab) = lab("another cluster's share") else { return };
    let tailnet = Tailnet::start(&lab);
    let b = tailnet.node("b");
    let cluster = ["--cluster", "b", "--cluster-cidr", "10.44.0.0/16", "--pod-cidr"];
    let error = b.refused(&[&cluster[..], &["10.42.7.0/24"]].concat(), 2);
    assert_eq!(error["code"], "pod-cidr-outside-cluster");
    let what = error["what"].as_str().expect("words");
    assert!(what.contains("10.42.7.0/24") && what.contains("10.44.0.0/16"), "{what}");
    assert_eq!(tailnet.headscale.nodes().len(), 0, "nothing was joined");

    // In a share of their own, two clusters pass each other by.
    let a = tailnet.member("a", "10.42.7.0/24");
    let words = [&cluster[..], &["10.44.7.0/24"]].concat();
    let report = up(&b.host, &b.auth, &words).succeeded().json();
    assert_eq!(report["status"]["proof"]["verdict"]["outcome"], "alone");
    a.sees("b", "bystander");
    b.sees("a", "bystander");
}

#[test]
fn tags_tell_a_foreigner_where_both_have_some() {
    let Some(lab) = lab("tags") else { return };
    let tailnet = Tailnet::start(&lab);
    let key = |tag| tailnet.headscale.tagged_key(tag);
    let one = tailnet.node_with("one", &key("tag:one"));
    let two = tailnet.node_with("two", &key("tag:two"));
    let untagged = tailnet.node("untagged");
    one.up("10.42.1.0/24");
    two.up("10.42.2.0/24");
    untagged.up("10.42.3.0/24");
    one.sees("two", "foreign");
    let foreign = finding(&status(&one.host), "foreign-in-cluster").cloned().expect("a warning");
    assert!(foreign["what"].as_str().is_some_and(|what| what.starts_with("two ")), "{foreign}");
    two.sees("one", "foreign");
    // Nothing says what this one is: it is told as unknown, and may prove.
    one.sees("untagged", "unknown");
    untagged.sees("one", "unknown");
    untagged.sees("two", "unknown");
}

#[test]
fn services_tell_a_foreigner_for_certain() {
    let Some(lab) = lab("strangers") else { return };
    let tailnet = Tailnet::start(&lab);
    let [one, two, kin] = ["one", "two", "kin"].map(|name| tailnet.node(name));
    let mut services = [
        one.runs("a", "10.42.1.0/24"),
        two.runs("b", "10.42.2.0/24"),
        kin.runs("a", "10.42.3.0/24"),
    ];
    services[0].says("foreign-in-cluster", PATIENCE);
    services[1].says("foreign-in-cluster", PATIENCE);
    one.sees("two", "foreign");
    two.sees("one", "foreign");
    two.sees("kin", "foreign");
    // No tag says so: it is its responder.
    one.sees("kin", "node");
    kin.sees("one", "node");
    let status = status(&one.host);
    assert_eq!(status["stage"], "proven", "{status:#}");
    let peers = status["proof"]["verdict"]["peers"].as_array().expect("a list of peers");
    let told = peers.iter().map(|peer| (peer["name"].as_str(), peer["kin"].as_str()));
    let kin = [(Some("kin"), Some("ours")), (Some("two"), Some("foreign"))];
    assert_eq!(told.collect::<Vec<_>>(), kin);
    // With nobody but strangers around, a node is alone.
    let status = node::status(&two.host);
    assert_eq!(status["proof"]["verdict"]["outcome"], "alone", "{status:#}");
}

#[test]
fn an_offline_owner_is_taken_over_and_the_command_that_deletes_it_is_printed() {
    let Some(lab) = lab("taken over") else { return };
    let tailnet = Tailnet::start(&lab);
    let holder = tailnet.member("holder", "10.42.1.0/24");
    let witness = tailnet.member("witness", "10.42.3.0/24");
    let heir = tailnet.node("heir");
    let id = tailnet.headscale.node("holder").id;
    holder.tailscaled.kill();
    let run = up(&heir.host, &heir.auth, &["--pod-cidr", "10.42.1.0/24"]).succeeded();
    assert!(run.stderr.contains("holder had this pod CIDR"), "{}", run.stderr);
    let status = &run.json()["status"];
    assert_eq!(status["stage"], "proven");
    let removal = fix(status, "pod-cidr-abandoned");
    assert_eq!(removal, format!("headscale nodes delete -i {id}"));
    tailnet.headscale.delete_node("holder");
    reaches(&witness, &heir, "10.42.1.2");
}

#[test]
fn a_node_that_was_made_anew_takes_its_pod_cidr_back() {
    let Some(lab) = lab("made anew") else { return };
    let tailnet = Tailnet::start(&lab);
    let witness = tailnet.member("witness", "10.42.3.0/24");
    let node = tailnet.member("node", "10.42.1.0/24");
    node.tailscaled.stop();
    fs::remove_dir_all(node.tailscaled.state()).expect("tailscaled's state");
    fs::create_dir(node.tailscaled.state()).expect("tailscaled's state");
    fs::remove_dir_all(node.host.state_dir()).expect("moorline's state");
    node.tailscaled.start();
    let run = up(&node.host, &node.auth, &["--pod-cidr", "10.42.1.0/24"]).succeeded();
    assert!(run.stderr.contains("is it gone? (usually about 10 s)"), "{}", run.stderr);
    let report = run.json();
    assert_eq!(report["status"]["stage"], "proven");
    let old = tailnet.headscale.node("node").id;
    assert_eq!(
        fix(&report["status"], "pod-cidr-abandoned"),
        format!("headscale nodes delete -i {old}")
    );
    // Its route is withdrawn by now; what is left of it is still told.
    let later = status(&node.host);
    assert_eq!(fix(&later, "namesake-offline"), format!("headscale nodes delete -i {old}"));
    reaches(&witness, &node, "10.42.1.2");
}

/// Waits until a node reaches the pods of another one there, its address and its canary.
fn reaches(from: &Node, to: &Node, canary: &str) {
    let addresses = [address(&to.tailscaled), canary.parse().expect("an address")];
    until("packets to the new owner", NEWS, || {
        let answers = addresses.map(|address| from.host.ping(address));
        if answers == [true; 2] { Ok(()) } else { Err(answers) }
    });
}
