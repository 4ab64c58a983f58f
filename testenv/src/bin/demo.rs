//! The demonstration: three networks that share nothing become one pod network, on a terminal.
//!
//! ```text
//! demo MOORLINE       the binary to show
//! ```

use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use testenv::{Authkey, Headscale, Host, Lab, Nat, Pod, Run, Running, Traffic, until};

const CLUSTER: [&str; 4] =
    ["--cluster-cidr", "10.42.0.0/16", "--cluster-cidr", "2001:cafe:42::/48"];

/// Approves the pod CIDRs of user `k8s`, and of nobody else.
const POLICY: &str = r#"{
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "autoApprovers": {"routes": {
        "10.42.0.0/16": ["k8s@"],
        "2001:cafe:42::/48": ["k8s@"],
    }},
}"#;

/// How long anything on stage may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let Some(moorline) = std::env::args().nth(1).map(PathBuf::from) else {
        say("usage: demo MOORLINE");
        return ExitCode::from(2);
    };
    let Ok(moorline) = moorline.canonicalize() else {
        say(&format!("{}: no such program; build it with `cargo build`", moorline.display()));
        return ExitCode::FAILURE;
    };
    let Some(lab) = Lab::new("demo") else { return ExitCode::FAILURE };
    let started = Instant::now();
    show(&lab.with_moorline(moorline));
    chapter(&format!("All taken down after {:.0} s.", started.elapsed().as_secs_f64()));
    ExitCode::SUCCESS
}

fn show(lab: &Lab) {
    chapter("A control server, and three machines in three networks.");
    let headscale = lab.headscale().policy(POLICY).start();
    let hosts = machines(lab);
    let key = headscale.user("k8s").reusable_key();

    chapter("Each joins with one command.");
    let mut nodes = Vec::new();
    for (number, host) in hosts.iter().enumerate() {
        nodes.push(Node::join(host, &headscale, &key, number));
    }

    chapter("What the first one knows now.");
    run(&hosts[0], &["status".into()]);

    chapter("Pods fetch from pods, and each sees the other's own address.");
    nodes.iter().for_each(|node| fetches(node, &nodes));

    chapter("A fourth machine, whose pod CIDR nobody approves.");
    let stranger = lab.host("d").start();
    stranger.tailscaled();
    let key = headscale.user("guest").one_time_key();
    run(&stranger, &up(&stranger, &headscale, &key, 3, "5s"));

    chapter("Its administrator follows the advice; nothing is restarted.");
    headscale.approve("d", "10.42.3.0/24,2001:cafe:42:3::/64");
    say("    (approved at headscale; the news takes a second or two)");
    until("news of the approval", PATIENCE, || {
        let status = stranger.moorline(["status", "--json"]);
        if status.json()["stage"] == "proven" { Ok(()) } else { Err(status) }
    });
    let _proven = run(&stranger, &["status".into()]);

    chapter("The service keeps the first machine as it is to be: somebody breaks two things.");
    let service = Service::start(&hosts[0]);
    service.mends("nft flush ruleset", "nft list table inet moorline");
    service.mends("sysctl -w net.ipv4.ip_forward=0", "sysctl -n net.ipv4.ip_forward | grep 1");
    say("");
    fetches(&nodes[0], &nodes[..2]);
    service.end();
}

/// `moorline run` on a machine, and somebody who watches it.
struct Service<'a> {
    host: &'a Host,
    service: Running,
    events: Running,
}

impl<'a> Service<'a> {
    fn start(host: &'a Host) -> Self {
        say(&format!("\n{}$ moorline run", host.name()));
        let service = host.moorline_with(["run"]).start();
        until("a service that proves its node", PATIENCE, || {
            let status = host.moorline(["status", "--json"]);
            let is_proven = status.code == Some(0) && status.json()["stage"] == "proven";
            if is_proven && service_answers(host) { Ok(()) } else { Err(status) }
        });
        say(&format!("{}$ moorline status --events", host.name()));
        let events = host.moorline_with(["status", "--events"]).start();
        Service { host, service, events }
    }

    /// Somebody types this line; the service makes this one succeed again.
    fn mends(&self, breaks: &str, is_whole: &str) {
        say(&format!("\n{}$ {breaks}", self.host.name()));
        let before = self.events.said().len();
        let started = Instant::now();
        self.host.shell(breaks).succeeded();
        let whole = until(&format!("mended after `{breaks}`"), PATIENCE, || {
            let run = self.host.shell(is_whole);
            if run.code == Some(0) { Ok(started.elapsed()) } else { Err(run) }
        });
        let told =
            until("news of it", PATIENCE, || match self.events.said()[before..].to_owned() {
                said if said.contains("mended") => Ok(said),
                said => Err(said),
            });
        told.lines().for_each(|line| say(&format!("    {line}")));
        say(&format!("    (whole again after {:.2} s)", whole.as_secs_f64()));
    }

    fn end(self) {
        drop(self.events);
        self.service.interrupt();
        self.service.finish(PATIENCE).succeeded();
    }
}

/// Whether the service takes questions: `status` answers without it too.
fn service_answers(host: &Host) -> bool {
    host.moorline(["reconcile"]).code == Some(0)
}

fn machines(lab: &Lab) -> [Host; 3] {
    let hosts = [
        lab.host("a").public().start(),
        lab.host("b").behind(Nat::PortKeeping).start(),
        lab.host("c").behind(Nat::Symmetric).start(),
    ];
    let places = ["a public address", "a NAT that keeps ports", "a symmetric NAT"];
    for (host, place) in hosts.iter().zip(places) {
        host.tailscaled();
        say(&format!("    {}  {:15}  {place}", host.name(), host.address()));
    }
    hosts
}

/// A machine that joined, and a pod on it.
struct Node<'a> {
    host: &'a Host,
    pod: Pod,
}

impl<'a> Node<'a> {
    fn join(host: &'a Host, headscale: &Headscale, key: &Authkey, number: usize) -> Self {
        let _joined = run(host, &up(host, headscale, key, number, "30s")).succeeded();
        let addresses = format!("10.42.{number}.10/24 2001:cafe:42:{number}::10/64");
        let pod = host.pod("pod", &addresses);
        pod.serve();
        Node { host, pod }
    }
}

fn up(
    host: &Host,
    headscale: &Headscale,
    key: &Authkey,
    number: usize,
    patience: &str,
) -> Vec<String> {
    let mut words = vec!["up".to_owned(), format!("--vpn-auth={}", host.vpn_auth(headscale, key))];
    words.extend(CLUSTER.map(str::to_owned));
    for pod_cidr in [format!("10.42.{number}.0/24"), format!("2001:cafe:42:{number}::/64")] {
        words.extend(["--pod-cidr".to_owned(), pod_cidr]);
    }
    words.extend(["--wait-for".to_owned(), patience.to_owned()]);
    words
}

fn fetches(node: &Node<'_>, nodes: &[Node<'_>]) {
    let others = nodes.iter().filter(|other| other.host.name() != node.host.name());
    for other in others {
        for address in other.pod.addresses() {
            let (from, to) = (node.host.name(), other.host.name());
            say(&format!("    pod on {from} <- pod on {to}  {}", fetch(&node.pod, address)));
        }
    }
}

fn fetch(pod: &Pod, address: IpAddr) -> String {
    match pod.fetch(address).seen() {
        Ok(seen) => format!("{address}: 64 KiB, which saw the client as {seen}"),
        Err(error) => format!("{address}: {error}"),
    }
}

/// Runs a command on a host, and shows it as an operator would see it.
fn run(host: &Host, words: &[String]) -> Run {
    say(&format!("\n{}$ moorline {}", host.name(), shortened(words)));
    let run = host.moorline(words);
    let lines = run.stderr.lines().chain(run.stdout.lines());
    lines.for_each(|line| say(&format!("    {line}")));
    run
}

/// The command without what belongs to the lab alone: where the daemon's socket lies here.
fn shortened(words: &[String]) -> String {
    let quoted = |word: &String| match word.split_once("--vpn-auth=") {
        Some((_, auth)) => format!("--vpn-auth=\"{}\"", without_lab_paths(auth)),
        None => word.clone(),
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

fn without_lab_paths(auth: &str) -> String {
    let parts = auth.split(',').filter(|part| !part.starts_with("socket="));
    let parts = parts.map(|part| match part.strip_prefix("joinKey=file:") {
        Some(_) => "joinKey=file:/etc/moorline/key",
        None => part,
    });
    parts.collect::<Vec<_>>().join(",")
}

fn chapter(title: &str) {
    say(&format!("\n== {title}"));
}

fn say(line: &str) {
    // Nobody is left to be told that nobody listens.
    let _ = writeln!(anstream::stdout(), "{line}");
}
