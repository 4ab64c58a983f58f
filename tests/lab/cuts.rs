//! Each kind of cut between two nodes is seen by the service, and named right.

use std::time::Duration;

use testenv::{Headscale, Hook, Host, Lab, Running, Tailscaled, until};

use crate::common::lab;
use crate::node::address;

/// How long a cut takes at most to be asked about, looked at closely, and named.
const PATIENCE: Duration = Duration::from_secs(90);

const NODES: &str = "100.64.0.0/10";
const PODS: &str = "10.42.0.0/16";

/// The pod CIDRs are approved; who may reach whom is this.
fn policy(from: &[&str], to: &[&str]) -> String {
    let to: Vec<String> = to.iter().map(|to| format!("{to}:*")).collect();
    format!(
        r#"{{"acls": [{{"action": "accept", "src": {from:?}, "dst": {to:?}}}],
            "autoApprovers": {{"routes": {{"{PODS}": ["k8s@"]}}}}}}"#
    )
}

/// Two nodes that the service keeps.
struct Pair {
    headscale: Headscale,
    a: Node,
    b: Node,
}

struct Node {
    host: Host,
    tailscaled: Tailscaled,
    service: Running,
    pod_cidr: String,
}

impl Pair {
    fn new(lab: &Lab) -> Pair {
        let headscale = lab.headscale().policy(&policy(&["*"], &["*"])).start();
        let key = headscale.user("k8s").reusable_key();
        let node = |name, number| {
            let host = lab.host(name).start();
            let (tailscaled, auth) = (host.tailscaled(), host.vpn_auth(&headscale, &key));
            let pod_cidr = format!("10.42.{number}.0/24");
            let words = ["run", "-v", "--vpn-auth", &auth, "--pod-cidr", &pod_cidr];
            let service = host.moorline_with(words).start();
            Node { host, tailscaled, service, pod_cidr }
        };
        let mut pair = Pair { a: node("a", 1), b: node("b", 2), headscale };
        pair.a.service.says("to=proven", PATIENCE);
        pair.b.service.says("to=proven", PATIENCE);
        pair
    }

    /// What `a` says while only these may reach those.
    fn allows(&self, from: &[&str], to: &[&str], code: &str, hint: &str) {
        self.headscale.set_policy(&policy(from, to));
        self.a.names(code, hint);
        self.headscale.set_policy(&policy(&["*"], &["*"]));
        self.a.is_content(code);
    }
}

impl Node {
    /// The last that the service said of findings of this code.
    fn last(&self, code: &str) -> Option<String> {
        let (said, code) = (self.service.said(), format!("code=\"{code}\""));
        said.lines().rfind(|line| line.contains(&code)).map(str::to_owned)
    }

    /// Waits until the service names this.
    fn names(&self, code: &str, hint: &str) {
        until(&format!("a service that names {code}"), PATIENCE, || match self.last(code) {
            Some(line) if !line.contains("no more: ") && line.contains(hint) => Ok(()),
            _ => Err(self.service.said()),
        });
    }

    /// Waits until the service takes that back.
    fn is_content(&self, code: &str) {
        until(&format!("a service without {code}"), PATIENCE, || match self.last(code) {
            Some(line) if line.contains("no more: ") => Ok(()),
            _ => Err(self.service.said()),
        });
    }

    /// Translates what these words match.
    fn masquerades(&self, what: &str) {
        self.host.nft(&format!(
            "add table ip translate
             add chain ip translate out {{ type nat hook postrouting priority srcnat; }}
             add rule ip translate out {what} masquerade"
        ));
    }
}

#[test]
fn a_policy_without_pods_or_for_one_direction_is_named() {
    let Some(lab) = lab("policies") else { return };
    let pair = Pair::new(&lab);
    pair.allows(&[NODES], &[NODES, PODS], "pods-refused", "answer this node, and not its pods");
    pair.allows(&[NODES, PODS], &[NODES], "pods-refused", "nothing reaches its pods");

    let addresses = [&pair.a, &pair.b].map(|node| address(&node.tailscaled).to_string());
    let [a, b] = addresses.each_ref().map(String::as_str);
    let from_b = [b, &pair.b.pod_cidr];
    pair.allows(&from_b, &[a, &pair.a.pod_cidr], "one-direction", "packets of b arrive here");
}

#[test]
fn a_masquerade_is_named_on_either_side() {
    let Some(lab) = lab("masquerades") else { return };
    let Pair { a, b, .. } = Pair::new(&lab);
    a.masquerades("ip saddr 10.42.1.0/24 oifname tailscale0");
    a.names("pods-masqueraded", "10.42.1.0/24");
    a.host.nft("delete table ip translate");
    a.is_content("pods-masqueraded");

    b.masquerades("iifname tailscale0 oifname moorline0");
    a.names("masqueraded-at-peer", "see 10.42.2.1 in their place");
    b.host.nft("delete table ip translate");
    a.is_content("masqueraded-at-peer");
}

#[test]
fn what_happens_on_the_way_is_named() {
    let Some(lab) = lab("on the way") else { return };
    let Pair { a, b, .. } = Pair::new(&lab);
    let drop = b.host.drops(Hook::Forward, "meta l4proto { tcp, udp, icmp }");
    a.names("firewall-at-peer", "b forwards");
    drop.heal();
    a.is_content("firewall-at-peer");

    let hole = lab.mtu_hole(&a.host, &b.host, 1300);
    a.names("mtu-hole", "vanish on the way to b");
    hole.heal();
    a.is_content("mtu-hole");

    let loss = lab.loss(&a.host, &b.host, 20);
    a.names("loss-high", "between here and b");
    loss.heal();
}

#[test]
fn a_peer_that_is_gone_is_named_before_and_after_the_control_server_knows() {
    let Some(lab) = lab("gone") else { return };
    let Pair { a, b, headscale } = Pair::new(&lab);
    // For a minute or so the control server takes it for online.
    let silence = lab.silence(&b.host);
    a.names("peer-silent", "nothing comes back from b");
    silence.heal();
    a.is_content("peer-silent");
    b.tailscaled.kill();
    a.names("peer-down", "b is down");
    b.tailscaled.start();
    a.is_content("peer-down");

    headscale.set_policy(r#"{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}"#);
    headscale.approve("a", "");
    a.names("route-not-approved", "10.42.1.0/24");
}
