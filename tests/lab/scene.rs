//! A control server, and nodes that join it with the real binary.

use std::ops::Deref;

use testenv::{
    Authkey, Headscale, HeadscaleBuilder, Host, HostBuilder, Pod, Run, Running, Tailscaled,
};

use crate::node;

/// Everybody may reach everybody; the pod CIDRs of user `k8s` and of `tag:k8s` are approved.
pub(crate) const AUTO_APPROVED: &str = r#"{
    "tagOwners": {"tag:k8s": ["k8s@"]},
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "autoApprovers": {"routes": {
        "10.42.0.0/16": ["k8s@", "tag:k8s"],
        "2001:cafe:42::/48": ["k8s@", "tag:k8s"]
    }}
}"#;

/// The flags that say which cluster this is.
const CLUSTER: [&str; 4] =
    ["--cluster-cidr", "10.42.0.0/16", "--cluster-cidr", "2001:cafe:42::/48"];

/// A control server, and a key of its user `k8s` that joins many nodes.
pub(crate) struct Scene {
    headscale: Headscale,
    key: Authkey,
}

impl Scene {
    pub(crate) fn new(headscale: HeadscaleBuilder, policy: &str) -> Scene {
        let headscale = headscale.policy(policy).start();
        let key = headscale.user("k8s").reusable_key();
        Scene { headscale, key }
    }

    /// A host with a running tailscaled, not joined yet; its number is that of its pod CIDRs.
    pub(crate) fn node(&self, host: HostBuilder, number: u8) -> Joiner<'_> {
        let host = host.start();
        host.tailscaled();
        Joiner { scene: self, host, number }
    }

    /// The `--vpn-auth` of a host that joins here.
    pub(crate) fn auth(&self, host: &Host) -> String {
        host.vpn_auth(&self.headscale, &self.key)
    }

    /// The same with the key itself, as it is typed where nobody thought of a file.
    pub(crate) fn auth_with_key(&self, host: &Host) -> String {
        self.auth_with(host, self.key.secret())
    }

    /// The same with this as the key.
    pub(crate) fn auth_with(&self, host: &Host, key: &str) -> String {
        format!("{},joinKey={key}", host.vpn_auth_without_key(&self.headscale))
    }

    /// A host in the same tailnet that is no node, and takes nobody's routes.
    pub(crate) fn stranger(&self, host: HostBuilder) -> Host {
        let host = host.start();
        host.tailscaled().join(&self.headscale, &self.key);
        host
    }

    /// Enrols a daemon as an administrator does who has never heard of Moorline.
    pub(crate) fn enrol(&self, tailscaled: &Tailscaled) {
        tailscaled.join(&self.headscale, &self.key);
    }

    /// The same, joined as far as it goes alone.
    pub(crate) fn joined(&self, host: HostBuilder, number: u8) -> Joiner<'_> {
        let node = self.node(host, number);
        node.up(&[]).succeeded();
        node
    }
}

/// A node, and how it joins.
pub(crate) struct Joiner<'a> {
    scene: &'a Scene,
    host: Host,
    number: u8,
}

impl Deref for Joiner<'_> {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl Joiner<'_> {
    /// `moorline up --json` with this node's share of the cluster, and these words more.
    pub(crate) fn up(&self, more: &[&str]) -> Run {
        let auth = self.vpn_auth(&self.scene.headscale, &self.scene.key);
        let pod_cidrs = self.pod_cidrs().map(|cidr| format!("--pod-cidr={cidr}"));
        let pod_cidrs = pod_cidrs.each_ref().map(String::as_str);
        node::up(&self.host, &auth, &[&CLUSTER[..], &pod_cidrs, more].concat())
    }

    /// `moorline run` with the same share.
    pub(crate) fn run(&self) -> Running {
        let auth = self.vpn_auth(&self.scene.headscale, &self.scene.key);
        let pod_cidrs = self.pod_cidrs().map(|cidr| format!("--pod-cidr={cidr}"));
        let words = ["run", "-v", "--vpn-auth", &auth].map(str::to_owned);
        let cluster = CLUSTER.map(str::to_owned);
        self.moorline_with(words.into_iter().chain(cluster).chain(pod_cidrs)).start()
    }

    /// This node's pod CIDRs, both families.
    fn pod_cidrs(&self) -> [String; 2] {
        [format!("10.42.{}.0/24", self.number), format!("2001:cafe:42:{}::/64", self.number)]
    }

    /// A pod on this node, with an address of both families.
    pub(crate) fn a_pod(&self) -> Pod {
        let number = self.number;
        self.pod("pod", &format!("10.42.{number}.10/24 2001:cafe:42:{number}::10/64"))
    }
}
