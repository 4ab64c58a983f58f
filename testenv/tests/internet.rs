//! The internet between the hosts: NATs, faults, and the trap.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use testenv::{Hook, Host, Lab, Nat, Traffic, until};

fn ports(host: &Host, servers: &[Host]) -> Vec<u16> {
    let servers: Vec<_> = servers.iter().map(Host::address).collect();
    let seen = host.seen_by(&servers);
    let mut ports: Vec<u16> = seen
        .iter()
        .map(|from| from.expect("an answer"))
        .inspect(|from| assert_eq!(from.ip(), host.outer_address()))
        .map(|from| from.port())
        .collect();
    ports.dedup();
    ports
}

#[test]
fn a_symmetric_nat_shows_three_ports_and_a_port_keeping_one() {
    let Some(lab) = Lab::new("nats") else { return };
    let servers = ["x", "y", "z"].map(|name| lab.host(name).start());
    servers.iter().for_each(Traffic::serve);
    let easy = lab.host("easy").behind(Nat::PortKeeping).start();
    let hard = lab.host("hard").behind(Nat::Symmetric).start();
    let carrier = lab.host("cgn").behind(Nat::PortKeeping).behind(Nat::Symmetric).start();
    assert_eq!(ports(&easy, &servers).len(), 1);
    assert_eq!(ports(&hard, &servers).len(), 3);
    assert_eq!(ports(&carrier, &servers).len(), 3);
    assert_eq!(servers[0].seen_by(&[easy.outer_address()]), [None], "nothing comes in unasked");
}

#[test]
fn faults_break_and_heal() {
    let Some(lab) = Lab::new("faults") else { return };
    let (a, b) = (lab.host("a").start(), lab.host("b").behind(Nat::PortKeeping).start());
    let to = a.address();
    assert!(b.ping_sized(to, 1500));

    let hole = lab.mtu_hole(&a, &b, 1300);
    assert!(b.ping_sized(to, 1300) && !b.ping_sized(to, 1301));
    assert!(hole.dropped() > 0);
    hole.heal();

    let block = lab.one_way_block(&a, &b);
    assert!(!b.ping(to));
    block.heal();

    let drop = a.drops(Hook::Input, "icmp type echo-request");
    assert!(!b.ping(to));
    drop.heal();

    let partition = lab.partition(&a, &b);
    assert!(!b.ping(to));
    partition.heal();

    a.serve();
    let no_udp = lab.no_udp(&b);
    assert_eq!(b.seen_by(&[to]), [None]);
    assert!(b.ping(to));
    no_udp.heal();

    b.unplug();
    assert!(!b.ping(to));
    b.plug();
    assert!(b.ping(to), "after all faults are healed");
}

#[test]
fn a_mtu_hole_stalls_what_is_full_sized_only() {
    let Some(lab) = Lab::new("a hole") else { return };
    let (a, b) = (lab.host("a").start(), lab.host("b").start());
    a.serve();
    assert!(b.fetch(a.address()).is_complete());
    let hole = lab.mtu_hole(&a, &b, 1300);
    assert!(!b.fetch(a.address()).is_complete(), "{} dropped", hole.dropped());
    assert!(b.ping(a.address()));
}

#[test]
fn gaps_are_measured() {
    let Some(lab) = Lab::new("gaps") else { return };
    let (a, b) = (lab.host("a").start(), lab.host("b").start());
    a.serve();
    let (transfer, pings) = (b.transfer(a.address()), b.pinging(a.address()));
    transfer.goes_on(100_000, Duration::from_secs(5));
    assert!(transfer.longest_gap() < Duration::from_secs(1), "{:?}", transfer.longest_gap());
    assert_eq!(pings.lost(), 0);
    let silence = lab.silence(&a);
    until("a gap of 2 s", Duration::from_secs(5), || {
        let gaps = (transfer.longest_gap(), pings.longest_gap());
        let long = Duration::from_secs(2);
        if gaps.0 > long && gaps.1 > long { Ok(()) } else { Err(gaps) }
    });
    silence.heal();
    transfer.goes_on(100_000, Duration::from_secs(10));
    assert!(transfer.is_alive() && pings.answered() > 0);
    until("pings that are missed", Duration::from_secs(5), || match pings.lost() {
        lost if lost > 20 => Ok(()),
        lost => Err(lost),
    });
}

#[test]
fn loss_is_in_part() {
    let Some(lab) = Lab::new("loss") else { return };
    let (a, b) = (lab.host("a").start(), lab.host("b").start());
    let loss = lab.loss(&a, &b, 50);
    let pings = b.pinging(a.address());
    until("pings of which some are lost and some are answered", Duration::from_secs(20), || {
        let (lost, answered) = (loss.dropped(), pings.answered());
        if lost >= 5 && answered >= 5 { Ok(()) } else { Err((lost, answered)) }
    });
}

#[test]
fn the_trap_catches_what_would_leave() {
    let mut caught = Vec::new();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let Some(lab) = Lab::new("a stray") else { return };
        let host = lab.host("a").behind(Nat::PortKeeping).start();
        host.seen_by(&["198.51.100.7".parse().expect("an address")]);
        // Private addresses go nowhere either, and are no strays.
        host.seen_by(&["10.250.0.7".parse().expect("an address")]);
        assert!(!host.ping("203.0.113.77".parse().expect("an address")));
        caught = lab.strays();
    }));
    if caught.is_empty() {
        return;
    }
    assert_eq!(caught.len(), 2, "{caught:?}");
    assert!(caught.iter().any(|stray| stray.contains("a -> 198.51.100.7 udp 8099")), "{caught:?}");
    assert!(caught.iter().any(|stray| stray.contains("a -> 203.0.113.77 icmp")), "{caught:?}");
    assert!(ended.is_err(), "a lab with strays fails its test");
}

#[test]
fn a_black_hole_swallows_and_is_no_stray() {
    let Some(lab) = Lab::new("a black hole") else { return };
    let host = lab.host("a").start();
    assert_eq!(host.seen_by(&[lab.black_hole()]), [None]);
    assert_eq!(lab.strays(), [""; 0]);
}

#[test]
fn a_chosen_address_is_a_lab_address() {
    let Some(lab) = Lab::new("a chosen address") else { return };
    let (a, b) = (lab.host("a").at("203.0.113.10").start(), lab.host("b").start());
    assert!(b.ping(a.address()));
}

#[test]
fn hosts_may_have_ipv6_and_may_have_none() {
    let Some(lab) = Lab::new("ipv6") else { return };
    let (a, b) = (lab.host("a").with_ipv6().start(), lab.host("b").with_ipv6().start());
    assert!(b.ping(a.address6()) && b.ping_sized(a.address6(), 1500));
    let none = lab.host("c").without_ipv6().start();
    assert_eq!(none.sysctl("net/ipv6/conf/eth0/disable_ipv6"), "1");
    assert!(!none.ping(a.address6()));
    assert!(!a.ping("2001:db8:ffff::1".parse().expect("an address")));
    assert!(lab.strays().iter().any(|stray| stray.starts_with("a -> 2001:db8:ffff::1")));
    lab.forgive_strays();
}
