//! The lab of the contest: a peer that answers, and fresh nodes that join in turn.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use testenv::{Authkey, Headscale, Host, Lab, Samples, Tailscaled};

use crate::stopwatch::{Course, Times, WORD};

/// How often `status` runs in a round: it is short.
const STATUS: usize = 10;
const CLUSTER: &str = "10.42.0.0/16";
/// The gateway of the peer's pod CIDR.
const GATEWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 42, 0, 1));
const POLICY: &str = r#"{
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "autoApprovers": {"routes": {"10.42.0.0/16": ["k8s@"]}}
}"#;

/// A contest that goes on.
pub(crate) struct Contest {
    lab: Lab,
    headscale: Headscale,
    key: Authkey,
    moorline: String,
    tailscale: String,
    results: Results,
}

/// What was measured. Times are in seconds.
#[derive(Debug, Default, serde::Serialize)]
pub(crate) struct Results {
    /// From the start of the command to the first answer from the peer's pod CIDR.
    pub(crate) join: Pair,
    /// From the start of the command to its end: Moorline ends once packets have crossed.
    pub(crate) up: Pair,
    /// `status --json`.
    pub(crate) status: Pair,
    /// The size of the binary.
    pub(crate) binary_bytes: u64,
    /// The most memory that `moorline up` held in any round.
    pub(crate) up_peak_rss_bytes: u64,
}

/// The same for both contestants.
#[derive(Debug, Default, serde::Serialize)]
pub(crate) struct Pair {
    pub(crate) moorline: Samples,
    pub(crate) tailscale: Samples,
}

impl Pair {
    /// Moorline's median in terms of the other's.
    pub(crate) fn ratio(&self) -> f64 {
        self.moorline.median() / self.tailscale.median()
    }
}

impl Contest {
    /// The lab with its peer; none where this machine cannot have a lab.
    pub(crate) fn new(moorline: &Path, tailscale: &Path) -> Option<Contest> {
        let stopwatch = std::env::current_exe().expect("the path of the bench");
        let lab = Lab::new("bench-join")?.with_moorline(stopwatch);
        let headscale = lab.headscale().policy(POLICY).start();
        let key = headscale.user("k8s").reusable_key();
        let path = |path: &Path| {
            let path = path.canonicalize().unwrap_or_else(|error| panic!("{path:?}: {error}"));
            path.to_string_lossy().into_owned()
        };
        let (moorline, tailscale) = (path(moorline), path(tailscale));
        let binary_bytes = fs::metadata(&moorline).expect("the binary").len();
        let results = Results { binary_bytes, ..Results::default() };
        let contest = Contest { lab, headscale, key, moorline, tailscale, results };
        contest.start_peer();
        Some(contest)
    }

    fn start_peer(&self) {
        let peer = self.lab.host("peer").start();
        peer.tailscaled();
        time(&peer, vec![self.moorline_up(&peer, 0)], None);
    }

    /// One join by each, on fresh nodes; the one that was first is second the next time.
    pub(crate) fn round(&mut self, number: u8) {
        if number.is_multiple_of(2) {
            self.join_by_moorline(number);
            self.join_by_tailscale(number);
        } else {
            self.join_by_tailscale(number);
            self.join_by_moorline(number);
        }
        self.lab.forgive_strays();
    }

    /// Takes the lab down.
    pub(crate) fn finish(self) -> Results {
        self.results
    }

    fn join_by_moorline(&mut self, number: u8) {
        let (node, tailscaled) = self.node(&format!("m{number}"));
        let times = time(&node, vec![self.moorline_up(&node, number)], Some(GATEWAY));
        self.results.join.moorline.add(answered(&times));
        self.results.up.moorline.add(times.commands.iter().sum());
        self.results.up_peak_rss_bytes = self.results.up_peak_rss_bytes.max(times.peak_rss_bytes);
        self.status(&node, &tailscaled);
        self.remove(&node, &tailscaled);
    }

    fn join_by_tailscale(&mut self, number: u8) {
        let (node, tailscaled) = self.node(&format!("t{number}"));
        let commands = self.tailscale_up(&tailscaled, number);
        let times = time(&node, commands, Some(GATEWAY));
        self.results.join.tailscale.add(answered(&times));
        self.results.up.tailscale.add(times.commands.iter().sum());
        self.remove(&node, &tailscaled);
    }

    /// Both in turn, on a node that Moorline joined.
    fn status(&mut self, node: &Host, tailscaled: &Tailscaled) {
        let ours = words(&[&self.moorline, "status", "--json"]);
        let theirs = self.cli(tailscaled, &["status", "--json"]);
        let commands = std::iter::repeat_n([ours, theirs], STATUS).flatten().collect();
        for pair in time(node, commands, None).commands.chunks_exact(2) {
            self.results.status.moorline.add(pair[0]);
            self.results.status.tailscale.add(pair[1]);
        }
    }

    fn node(&self, name: &str) -> (Host, Tailscaled) {
        let node = self.lab.host(name).start();
        let tailscaled = node.tailscaled();
        (node, tailscaled)
    }

    /// So that the next node meets the same network.
    fn remove(&self, node: &Host, tailscaled: &Tailscaled) {
        tailscaled.stop();
        self.headscale.delete_node(node.name());
    }

    fn moorline_up(&self, node: &Host, number: u8) -> Vec<String> {
        let vpn_auth = node.vpn_auth(&self.headscale, &self.key);
        let pod_cidr = pod_cidr(number);
        words(&[
            &self.moorline,
            "up",
            "--vpn-auth",
            &vpn_auth,
            "--cluster-cidr",
            CLUSTER,
            "--pod-cidr",
            &pod_cidr,
        ])
    }

    fn tailscale_up(&self, tailscaled: &Tailscaled, number: u8) -> Vec<Vec<String>> {
        let up = [
            "up",
            &format!("--login-server={}", self.headscale.url()),
            &format!("--auth-key={}", self.key.secret()),
            "--accept-routes",
            "--accept-dns=false",
            "--snat-subnet-routes=false",
        ];
        let set = ["set", &format!("--advertise-routes={}", pod_cidr(number))];
        vec![self.cli(tailscaled, &up), self.cli(tailscaled, &set)]
    }

    fn cli(&self, tailscaled: &Tailscaled, args: &[&str]) -> Vec<String> {
        let socket = tailscaled.socket();
        let start = [self.tailscale.as_str(), "--socket", &socket.to_string_lossy()];
        words(&[&start, args].concat())
    }
}

fn pod_cidr(number: u8) -> String {
    format!("10.42.{number}.0/24")
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn time(node: &Host, commands: Vec<Vec<String>>, ping: Option<IpAddr>) -> Times {
    let course = serde_json::to_string(&Course { commands, ping }).expect("JSON");
    let run = node.moorline([WORD, &course]).succeeded();
    serde_json::from_value(run.json()).expect("times")
}

fn answered(times: &Times) -> Duration {
    times.first_answer.expect("a ping was asked for")
}
