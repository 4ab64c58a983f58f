//! What the service weighs while nothing happens.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use testenv::{Host, Lab, Running, until};

/// How long nothing happens before, and while it is weighed.
const CALM: Duration = Duration::from_secs(30);
const WINDOW: Duration = Duration::from_secs(60);
/// How many nodes there are: one with three peers.
const NODES: u8 = 4;
/// `USER_HZ`, the same on all that we run on.
const TICKS: f64 = 100.0;
const POLICY: &str = r#"{
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "autoApprovers": {"routes": {"10.42.0.0/16": ["k8s@"]}}
}"#;

/// What the service weighs.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Idle {
    pub(crate) rss_bytes: u64,
    /// The most it ever held.
    pub(crate) peak_rss_bytes: u64,
    /// Its own time and that of the programs it ran, in percent of a core.
    pub(crate) cpu_percent: f64,
    pub(crate) wakeups_per_second: f64,
}

/// Weighs the service of one of four nodes.
pub(crate) fn weigh(moorline: &Path) -> Idle {
    let lab = Lab::new("bench-heal idle").expect("a lab").with_moorline(moorline);
    let headscale = lab.headscale().policy(POLICY).start();
    let key = headscale.user("k8s").reusable_key();
    let services: Vec<Running> = (0..NODES)
        .map(|number| {
            let host = lab.host(&format!("n{number}")).start();
            host.tailscaled();
            serve(&host, &host.vpn_auth(&headscale, &key), number)
        })
        .collect();
    passes(CALM);
    let pid = services[0].pid();
    let (before, started) = (Used::now(pid), Instant::now());
    passes(WINDOW);
    let (after, took) = (Used::now(pid), started.elapsed().as_secs_f64());
    Idle {
        rss_bytes: kilobytes(pid, "VmRSS") * 1024,
        peak_rss_bytes: kilobytes(pid, "VmHWM") * 1024,
        cpu_percent: (after.seconds - before.seconds) / took * 100.0,
        wakeups_per_second: (after.wakeups - before.wakeups) / took,
    }
}

fn passes(time: Duration) {
    let started = Instant::now();
    let is_over = || if started.elapsed() >= time { Ok(()) } else { Err("not yet") };
    until("time that passes", time * 2, is_over);
}

fn serve(host: &Host, auth: &str, number: u8) -> Running {
    let pods = format!("--pod-cidr=10.42.{number}.0/24");
    let words = ["run", "-v", "--cluster-cidr", "10.42.0.0/16", "--vpn-auth", auth, &pods];
    let service = host.moorline_with(words).start();
    until("a node that the service serves", CALM, || {
        let said = service.said();
        let is_there = said.contains("to=served") || said.contains("to=proven");
        if is_there { Ok(()) } else { Err(said) }
    });
    service
}

/// What a process has used so far.
struct Used {
    seconds: f64,
    wakeups: f64,
}

impl Used {
    /// User and system time, those of children that ended included (`proc(5)`, `stat` 14-17).
    fn now(pid: u32) -> Used {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a service that runs");
        let (_, after_name) = stat.rsplit_once(')').expect("a stat line");
        let fields = after_name.split_whitespace().skip(11).take(4);
        let ticks: f64 = fields.map(|field| field.parse::<f64>().expect("a number")).sum();
        Used { seconds: ticks / TICKS, wakeups: wakeups(pid) }
    }
}

/// Of all its threads.
fn wakeups(pid: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("a service that runs");
    let of_thread = |path: std::path::PathBuf| {
        let status = fs::read_to_string(path.join("status")).unwrap_or_default();
        value(&status, "voluntary_ctxt_switches").unwrap_or_default() as f64
    };
    threads.flatten().map(|thread| of_thread(thread.path())).sum()
}

fn kilobytes(pid: u32, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a service that runs");
    value(&status, what).expect("a size")
}

fn value(status: &str, what: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}
