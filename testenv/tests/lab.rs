//! The lab by itself: what it makes, what it takes down, and what it catches.

use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use testenv::{Lab, Nat, Traffic, until};

fn pin(lab: &Lab, name: &str) -> std::path::PathBuf {
    Path::new("/run/netns").join(format!("ml{}-{name}", lab.id()))
}

#[test]
fn everything_is_gone_after_the_lab() {
    let Some(lab) = Lab::new("everything is gone") else { return };
    let host = lab.host("a").behind(Nat::PortKeeping).start();
    let pins = ["internet", "a", "a-nat0"].map(|name| pin(&lab, name));
    let folder = host.folder().to_owned();
    assert!(folder.exists() && pins.iter().all(|pin| pin.exists()), "{pins:?}");
    drop((host, lab));
    assert!(!folder.exists() && !pins.iter().any(|pin| pin.exists()), "{pins:?}");
}

#[test]
fn everything_is_gone_after_a_panic() {
    let mut pins = Vec::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let Some(lab) = Lab::new("a panic") else { return };
        let _host = lab.host("a").start();
        pins.extend(["internet", "a"].map(|name| pin(&lab, name)));
        assert!(pins.iter().all(|pin| !pin.exists()), "as intended");
    }));
    assert_eq!(panicked.is_err(), !pins.is_empty());
    assert!(!pins.iter().any(|pin| pin.exists()), "{pins:?}");
}

#[test]
fn pods_fetch_from_each_other_on_one_host() {
    let Some(lab) = Lab::new("one host") else { return };
    let host = lab.host("a").start();
    host.bridge("cni0", "10.42.0.1/24 2001:cafe:42::1/64");
    let one = host.pod("p1", "10.42.0.10/24 2001:cafe:42::10/64");
    let two = host.pod("p2", "10.42.0.11/24 2001:cafe:42::11/64");
    one.serve();
    assert_eq!(two.fetch(one.v4()).from_address(), two.v4());
    assert_eq!(two.fetch(one.v6()).from_address(), two.v6());
    assert!(two.ping(host.address()) && two.ping_sized(one.v6(), 1280));
    assert!(!two.ping_sized(one.v4(), 1281));
}

/// Set in a second process of this test, which makes a lab and waits to be killed.
const DOOMED: &str = "TESTENV_DOOMED";

#[test]
fn everything_is_gone_after_a_killed_owner() {
    if std::env::var_os(DOOMED).is_some() {
        let Some(lab) = Lab::new("doomed") else { return };
        let _host = lab.host("a").start();
        println!("\nlab {}", lab.id());
        std::thread::park();
    }
    let mut owner = Command::new(std::env::current_exe().expect("this test"))
        .args(["everything_is_gone_after_a_killed_owner", "--exact", "--nocapture"])
        .env(DOOMED, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test again");
    let lines = BufReader::new(owner.stdout.take().expect("its output")).lines();
    let id =
        lines.map_while(Result::ok).find_map(|line| line.strip_prefix("lab ").map(str::to_owned));
    let pin = id.as_ref().map(|id| Path::new("/run/netns").join(format!("ml{id}-a")));
    let was_there = pin.as_ref().is_none_or(|pin| pin.exists());
    owner.kill().expect("a running process");
    owner.wait().expect("a killed process");
    assert!(was_there, "{pin:?}");
    let Some(pin) = pin else { return };
    until("a swept lab", Duration::from_secs(10), || if pin.exists() { Err(&pin) } else { Ok(()) });
}

#[test]
fn a_host_has_its_own_name_etc_and_run() {
    let Some(lab) = Lab::new("own files") else { return };
    let host = lab.host("a").start();
    host.secret_file("run/here", "");
    let look =
        host.shell("hostname; ls /run; echo changed >>/etc/resolv.conf; cat /etc/resolv.conf");
    assert!(look.says("a\n") && look.says("here\n") && look.says("changed\n"), "{look:?}");
    let ours = std::fs::read_to_string("/etc/resolv.conf").expect("our own resolv.conf");
    assert!(!ours.contains("changed"));
}
