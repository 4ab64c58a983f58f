//! What the running service tells others, and the orders that it takes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use testenv::{Host, Lab, Run, Running, promtool, until};

use crate::common::lab;
use crate::node::{finding, status};
use crate::refusal::{Refusal, SOON};
use crate::repairs::JOINS;
use crate::scene::{AUTO_APPROVED, Joiner, Scene};

/// Who may read, where this group is: see `group`.
const READER: u32 = 4242;
const STRANGER: u32 = 4243;
const METRICS: &str = "127.0.0.1:9753";

/// A service on the host `a` that was told nothing yet, and another node where there is one.
struct Served<'a> {
    a: Host,
    service: Running,
    auth: String,
    _b: Option<Joiner<'a>>,
}

impl<'a> Served<'a> {
    fn new(lab: &Lab, scene: &'a Scene, words: &[&str]) -> Served<'a> {
        let b = scene.joined(lab.host("b"), 2);
        Served { _b: Some(b), ..Served::alone(lab, scene, words) }
    }

    fn alone(lab: &Lab, scene: &Scene, words: &[&str]) -> Served<'a> {
        let a = lab.host("a").start();
        a.tailscaled();
        group(&a);
        let auth = scene.auth(&a);
        let run = a.moorline_with([&["run"], words].concat()).env("MOORLINE_LOG", "trace");
        let served = Served { service: run.start(), a, auth, _b: None };
        until("a service that can be asked", SOON, || {
            match UnixStream::connect(socket(&served.a)) {
                Ok(_) => Ok(()),
                Err(error) => Err((error, served.service.said())),
            }
        });
        served
    }

    fn file(&self, name: &str) -> String {
        let path = self.a.folder().join("run/moorline").join(name);
        fs::read_to_string(path).unwrap_or_default()
    }

    fn up(&self, more: &[&str]) -> Run {
        let words = [&["up", "--json", "--vpn-auth", &self.auth], &JOINS[..], more].concat();
        self.a.moorline(words)
    }

    fn as_user(&self, user: u32, words: &[&str]) -> Run {
        self.a.moorline_with(words.iter().copied()).as_user(user).run()
    }

    /// What is answered to these words, once the connection ends.
    fn says(&self, words: &[u8]) -> String {
        let mut stream = UnixStream::connect(socket(&self.a)).expect("the socket");
        // The service may have heard enough before all is said.
        let _ = stream.write_all(words);
        let mut told = Vec::new();
        let _ = stream.read_to_end(&mut told);
        String::from_utf8_lossy(&told).into_owned()
    }

    /// The body of the answer to a call.
    fn call(&self, call: &str) -> String {
        let told = self.says(format!("{call} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes());
        let (head, body) = told.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{told}"));
        assert!(head.starts_with("HTTP/1.1 200 "), "{told}");
        body.to_owned()
    }

    /// A figure of `/proc/PID/status`, in kilobytes.
    fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.service.pid());
        let text = fs::read_to_string(path).expect("a service that runs");
        let line = text.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory");
        line.split_whitespace().nth(1).expect("a figure").parse().expect("a number")
    }
}

fn socket(host: &Host) -> PathBuf {
    host.folder().join("run/moorline/control.sock")
}

/// A service that can be asked.
fn served(host: &Host, words: &[&str]) -> Running {
    let service = host.moorline_with([&["run", "-v"], words].concat()).start();
    until("a service that can be asked", SOON, || match UnixStream::connect(socket(host)) {
        Ok(_) => Ok(()),
        Err(error) => Err((error, service.said())),
    });
    service
}

/// As many of three hundred connections as there is room for, of somebody who may read, each of which says the same and then
/// nothing.
struct Crowd(std::process::Child);

impl Crowd {
    /// `says` is a text of perl.
    fn of(served: &Served<'_>, says: &str) -> Crowd {
        let program = format!(
            "use IO::Socket::UNIX; $SIG{{PIPE}} = 'IGNORE'; $| = 1; \
             for (1..300) {{ \
                 my $one = IO::Socket::UNIX->new(Peer => $ARGV[0], Timeout => 5) or next; \
                 $one->blocking(0); syswrite($one, {says}); push @all, $one; \
             }} print scalar(@all), \"\\n\"; sleep 600"
        );
        let user = READER.to_string();
        let mut child = std::process::Command::new("setpriv")
            .args(["--pdeathsig=KILL", "--clear-groups", "--reuid", &user, "--regid", &user])
            .args(["perl", "-e", &program])
            .arg(socket(&served.a))
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("perl");
        let mut count = String::new();
        let said = child.stdout.take().expect("its output");
        BufReader::new(said).read_line(&mut count).expect("a crowd");
        // While many wait at the door, one more is told to come again.
        assert!(count.trim().parse::<u32>().expect("a number") >= 64, "{count}");
        Crowd(child)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Makes the group that may read.
fn group(host: &Host) {
    host.shell(&format!("echo 'moorline:x:{READER}:' >> /etc/group")).succeeded();
}

fn settled(host: &Host) {
    until("a node that the service proves", SOON, || {
        let now = status(host);
        if now["stage"] == "proven" { Ok(()) } else { Err(format!("{now:#}")) }
    });
}

#[test]
fn up_status_and_leave_go_through_the_service() {
    let Some(lab) = lab("control") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let served = Served::new(&lab, &scene, &[]);
    Refusal::of(served.a.moorline(["status", "--json"]), 2).is("no-network", "no network");

    let up = served.up(&[]).succeeded();
    assert_eq!(up.json()["status"]["stage"], "proven");
    assert!(up.stderr.contains("ok: "), "the steps are shown: {}", up.stderr);
    let up = served.up(&[]).succeeded();
    assert_eq!(up.json()["changes"]["changes"], Value::Array(vec![]), "all is as it should be");

    let seen = served.a.moorline(["status"]).succeeded();
    assert!(seen.stdout.contains("by the service"), "{}", seen.stdout);
    let env = served.file("node.env");
    assert!(env.contains("MOORLINE_NODE_POD_CIDRS=10.42.1.0/24,2001:cafe:42:1::/64\n"), "{env}");
    let origins = served.call("GET /v1/settings");
    assert!(origins.contains(r#""name":"pod-cidr","value":"10.42.1.0/24 2001:cafe"#), "{origins}");
    assert!(origins.contains(r#""origin":"flag --pod-cidr""#), "{origins}");

    let left = served.a.moorline(["leave", "--json"]).succeeded();
    assert_eq!(left.json()["enrolled"], false);
    until("files of a node that left", SOON, || {
        let json: Value = serde_json::from_str(&served.file("node.json")).expect("JSON");
        if json["stage"] == "apart" { Ok(()) } else { Err(json) }
    });
    Refusal::of(served.a.moorline(["status", "--json"]), 2).is("no-network", "no network");
}

#[test]
fn a_key_of_the_callers_environment_reaches_the_service_and_nobody_else() {
    let Some(lab) = lab("control secret") else { return };
    let headscale = lab.headscale().policy(AUTO_APPROVED).start();
    let key = headscale.user("k8s").reusable_key();
    let a = lab.host("a").start();
    a.tailscaled();
    let service = served(&a, &["-vv"]);
    let auth = format!("{},joinKey=env:THE_KEY", a.vpn_auth_without_key(&headscale));
    let up = a.moorline_with(["up", "--json", "--wait=joined", "-vvv", "--vpn-auth", &auth]);
    let up = up.env("THE_KEY", key.secret()).run().succeeded();
    assert!(!up.says(key.secret()), "{up:?}");
    assert!(headscale.node("a").online);
    assert!(service.said().contains("TRACE"), "the service tells all that it can");
    let kept = format!("cd {}; cat state/* run/moorline/*.json", a.folder().display());
    for text in [service.said(), a.shell(&kept).succeeded().stdout] {
        assert!(!text.contains(key.secret()), "{text}");
    }
}

#[test]
fn an_up_that_is_interrupted_leaves_the_service_free() {
    let Some(lab) = lab("control abandon") else { return };
    let scene = Scene::new(
        lab.headscale(),
        r#"{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}"#,
    );
    let served = Served::alone(&lab, &scene, &[]);
    let words = [&["up", "--vpn-auth", &served.auth, "--wait-for=10m"], &JOINS[..]].concat();
    let mut up = served.a.moorline_with(words).start();
    up.says("needs approval", SOON);
    up.interrupt();
    let _ = up.finish(Duration::from_secs(2)).ended_with(130);
    let run = served.a.moorline(["reconcile", "--json"]);
    assert!(run.duration < Duration::from_secs(30), "{run:?}");
    assert_eq!(run.succeeded().json()["stage"], "joined");
}

#[test]
fn what_happens_is_told_as_it_happens() {
    let Some(lab) = lab("control events") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let served = Served::new(&lab, &scene, &[]);
    served.up(&[]).succeeded();
    let a = &served.a;
    let started = |words: &[&str]| a.moorline_with(words.iter().copied()).start();
    let mut events = started(&["status", "--events"]);
    let mut json = started(&["status", "--events", "--json"]);
    let mut watch = started(&["status", "--watch"]);
    watch.says("proven; 1 of 1 peers answer; findings:", SOON);
    let moorline = env!("CARGO_BIN_EXE_moorline");
    let run = a.folder().join("run/moorline");
    let typescript = format!(
        "TERM=xterm timeout 3 script -qec '{moorline} --run-dir {} status --watch' /dev/null",
        run.display()
    );
    let screen = a.shell(&typescript).stdout;
    assert!(screen.matches("\x1b[H").count() > 1, "it is drawn again: {screen:?}");
    assert!(screen.contains("stage    proven"), "{screen:?}");

    a.shell("sysctl -qw net.ipv4.ip_forward=0").succeeded();
    events.says("mended: ", SOON);
    json.says("\"event\":\"mended\"", SOON);
    served.a.moorline(["leave"]).succeeded();
    events.says("stage: proven -> apart", SOON);
    watch.says("in no network", SOON);
    for line in json.said().lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
    served.service.interrupt();
    let ended = json.finish(SOON).ended_with(7);
    let last: Value =
        serde_json::from_str(ended.stdout.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last["error"]["code"], "service-ending");
    Refusal::of(a.moorline(["status", "--watch", "--json"]), 7).is("no-service", "run");
}

#[test]
fn a_group_may_read_and_nobody_but_root_may_change() {
    let Some(lab) = lab("control rights") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let served = Served::new(&lab, &scene, &[]);
    served.up(&[]).succeeded();
    settled(&served.a);
    let seen = served.as_user(READER, &["status", "--json"]).succeeded().json();
    assert_eq!(seen["stage"], "proven");
    for words in [&["reconcile", "--json"][..], &["leave", "--json"]] {
        Refusal::of(served.as_user(READER, words), 4).is("service-root-only", "root");
    }
    Refusal::of(served.as_user(STRANGER, &["status", "--json"]), 4)
        .is("service-denied", "control.sock");
    assert_eq!(status(&served.a)["stage"], "proven", "nothing was changed");
}

#[test]
fn hostile_clients_take_little_and_keep_nobody_out() {
    let Some(lab) = lab("control hostile") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let mut served = Served::new(&lab, &scene, &[]);
    served.up(&[]).succeeded();
    settled(&served.a);
    let before = served.memory();
    let events = r#""GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n""#;
    let head = r#""GET / HTTP/1.1\r\nx: " . "x" x 100000"#;
    let body =
        r#""POST /v1/up HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999\r\n\r\n" . "x" x 100000"#;
    for says in [r#""""#, r#""GET /v1/sta""#, events, head, body] {
        let crowd = Crowd::of(&served, says);
        let run = served.a.moorline(["status", "--json"]);
        assert!(run.duration < Duration::from_secs(3), "{says}: {run:?}");
        let _ = run.succeeded();
        drop(crowd);
    }
    let more = served.memory().saturating_sub(before);
    assert!(more < 4096, "{more} KiB more");
    assert!(served.service.is_running());
    assert_eq!(finding(&status(&served.a), "canary-missing"), None);
}

#[test]
fn metrics_are_as_prometheus_reads_them() {
    let Some(lab) = lab("metrics") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let served = Served::new(&lab, &scene, &["--metrics", METRICS]);
    served.up(&[]).succeeded();
    settled(&served.a);
    let (host, port) = METRICS.split_once(':').expect("an address");
    let fetch = format!(
        "bash -c 'exec 3<>/dev/tcp/{host}/{port}; printf \"GET /metrics HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n\" >&3; cat <&3'"
    );
    let told = served.a.shell(&fetch).succeeded().stdout;
    let (head, body) = told.split_once("\r\n\r\n").expect("an answer");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    for line in [
        "moorline_stage{stage=\"proven\"} 1",
        "moorline_peer_reachable{peer=\"b\",",
        "moorline_peer_round_trip_seconds{peer=\"b\",",
        "moorline_routes{stage=\"served\"} 2",
    ] {
        assert!(body.lines().any(|one| one.starts_with(line)), "{line}\n{body}");
    }
    if let Some(said) = promtool("metrics", &["check", "metrics"], body) {
        assert_eq!(said, Ok(String::new()));
    }
    let taken = served.a.moorline([
        "--state-dir=/tmp/other",
        "--run-dir=/tmp/other-run",
        "run",
        "--metrics",
        METRICS,
    ]);
    assert!(taken.code == Some(5) && taken.says("metrics-address-taken"), "{taken:?}");
}
