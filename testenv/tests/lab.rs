//! The lab by itself: what it makes, what it takes down, and what it catches.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use testenv::{Lab, Nat, Traffic};

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
