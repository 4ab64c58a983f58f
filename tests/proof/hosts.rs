//! Two hosts that are network namespaces, joined by a veth pair: a stand-in for the VPN.

use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;

use ipnet::IpNet;
use linux::Namespace;
use moorline::proof::{self, Between, Canary, Request, Verdict};
use provider_api::{NodeId, Path, Peer};

pub(crate) const MTU: u32 = 1280;

/// A host of a test's own, gone after it, also after a panic.
pub(crate) struct Host {
    number: u8,
    pub(crate) namespace: Namespace,
    folder: tempfile::TempDir,
}

impl Host {
    pub(crate) fn new(number: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let namespace = Namespace::pinned(folder.path().join("host")).unwrap();
        let host = Host { number, namespace, folder };
        host.sh("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
                 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
                 ip link set lo up");
        host
    }

    pub(crate) fn pod_cidrs(&self) -> Vec<IpNet> {
        let number = self.number;
        [format!("10.42.{number}.0/24"), format!("2001:cafe:42:{number}::/64")]
            .map(|cidr| cidr.parse().unwrap())
            .into()
    }

    pub(crate) fn canary(&self) -> Canary {
        Canary {
            bridge: "moorline0".into(),
            pod_cidrs: self.pod_cidrs(),
            mtu: MTU,
            namespace: self.canary_path(),
        }
    }

    /// The addresses of its canary, both families.
    pub(crate) fn canary_addresses(&self) -> [IpAddr; 2] {
        let number = self.number;
        [format!("10.42.{number}.2"), format!("2001:cafe:42:{number}::2")]
            .map(|address| address.parse().unwrap())
    }

    pub(crate) fn canary_path(&self) -> PathBuf {
        self.folder.path().join("canary")
    }

    /// Runs a shell's lines on the host; they must succeed.
    pub(crate) fn sh(&self, lines: &str) -> String {
        let output = self.namespace.run(|| Command::new("sh").args(["-ec", lines]).output());
        let output = output.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`{lines}`: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Puts up a chain that lets through what no rule drops.
    pub(crate) fn firewall(&self, hook: &str, rules: &[&str]) {
        self.sh(&format!(
            "nft add table inet guard
             nft add chain inet guard strict '{{ type filter hook {hook} priority 0; }}'"
        ));
        for rule in rules {
            self.sh(&format!("nft add rule inet guard strict {rule}"));
        }
    }

    pub(crate) fn block_on<T, F>(&self, work: impl FnOnce() -> F + Send) -> T
    where
        T: Send,
        F: Future<Output = T>,
    {
        self.namespace.run(|| block_on(work())).unwrap()
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer {
            id: NodeId::new(self.number.to_string()),
            name: format!("node-{}", self.number),
            cluster: None,
            tags: vec![],
            addresses: self.addresses(),
            routes: self.pod_cidrs(),
            online: true,
            path: Path::Idle,
            last_contact: None,
            removal: None,
        }
    }

    /// The host's own addresses, both families.
    pub(crate) fn addresses(&self) -> Vec<IpAddr> {
        let number = self.number;
        [format!("100.64.0.{number}"), format!("fd7a::{number}")]
            .map(|address| address.parse().unwrap())
            .into()
    }

    pub(crate) fn request(&self, peers: Vec<Peer>) -> Request {
        Request {
            between: Between::Pods,
            canary: Some(self.canary_path()),
            pod_cidrs: self.pod_cidrs(),
            unserved: vec![],
            cluster_cidrs: ["10.42.0.0/16", "2001:cafe:42::/48"]
                .map(|at| at.parse().unwrap())
                .into(),
            pod_bridge: "moorline0".into(),
            node_addresses: self.addresses(),
            interface: "vpn0".into(),
            mtu: MTU,
            key: None,
            peers,
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(Namespace::remove(&self.canary_path()));
        drop(Namespace::remove(self.namespace.path()));
    }
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Two hosts with a canary each, joined by `vpn0`.
pub(crate) struct Pair {
    pub(crate) here: Host,
    pub(crate) there: Host,
}

impl Pair {
    pub(crate) fn joined() -> Self {
        let pair = Pair { here: Host::new(1), there: Host::new(2) };
        let path = pair.there.namespace.path().display();
        pair.here.sh(&format!("ip link add vpn0 mtu {MTU} type veth peer name vpn0 netns {path}"));
        for (host, other) in [(&pair.here, &pair.there), (&pair.there, &pair.here)] {
            let (own, far) = (host.number, other.number);
            host.sh(&format!(
                "ip addr add 100.64.0.{own}/24 dev vpn0
                 ip addr add fd7a::{own}/64 dev vpn0 nodad
                 ip link set vpn0 mtu {MTU} up
                 ip route add 10.42.{far}.0/24 via 100.64.0.{far}
                 ip route add 2001:cafe:42:{far}::/64 via fd7a::{far}"
            ));
            host.block_on(async || host.canary().ensure().await.unwrap());
        }
        pair
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let request = self.here.request(vec![self.there.peer()]);
        self.here.block_on(async || proof::prove(&request).await.unwrap())
    }

    /// The verdict is not good, and has one finding for each family: this one.
    pub(crate) fn assert_cause(&self, code: &str, hint: &str) -> Verdict {
        let verdict = self.verdict();
        assert!(!verdict.outcome.is_good(), "{verdict:#?}");
        assert!(!verdict.findings.is_empty(), "{verdict:#?}");
        for finding in &verdict.findings {
            assert_eq!(finding.code, code, "{verdict:#?}");
        }
        let told = |finding: &provider_api::Finding| {
            format!("{} {}", finding.what, finding.fix.as_deref().unwrap_or_default())
        };
        let all: Vec<_> = verdict.findings.iter().map(told).collect();
        assert!(all.iter().any(|text| text.contains(hint)), "`{hint}` in {all:#?}");
        verdict
    }
}

/// Whether the test can run; says why where it cannot. `TESTENV_STRICT=1` makes that a
/// failure.
pub(crate) fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        let strict = std::env::var("TESTENV_STRICT").is_ok_and(|strict| strict == "1");
        assert!(!strict, "needs root, and TESTENV_STRICT=1 allows no skipping");
        eprintln!("skipped: needs root, to make network namespaces");
    }
    root
}
