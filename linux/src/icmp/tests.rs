use super::*;
use crate::testing::{self, Host};

/// Three hosts in a row: `near` (10.1.0.2) – `router` – `far` (10.2.0.2), both families.
struct Row {
    near: Host,
    router: Host,
    far: Host,
}

impl Row {
    fn new() -> Self {
        let row = Row { near: Host::new(), router: Host::new(), far: Host::new() };
        row.router.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
        row.join(&row.near, 1);
        row.join(&row.far, 2);
        row
    }

    fn join(&self, host: &Host, number: u8) {
        let path = host.path().display();
        self.router.sh(&format!(
            "ip link add leg{number} type veth peer name eth0 netns {path}
             ip addr add 10.{number}.0.1/24 dev leg{number}
             ip addr add fd00:{number}::1/64 dev leg{number} nodad
             ip link set leg{number} up"
        ));
        host.sh(&format!(
            "ip addr add 10.{number}.0.2/24 dev eth0
             ip addr add fd00:{number}::2/64 dev eth0 nodad
             ip link set eth0 up
             ip route add default via 10.{number}.0.1
             ip route add default via fd00:{number}::1"
        ));
    }

    /// An echo from `near`, to be changed by the test.
    fn echo(&self, target: &str, size: u16, change: fn(Echo) -> Echo) -> Outcome {
        let target: IpAddr = target.parse().unwrap();
        let source = if target.is_ipv4() { "10.1.0.2" } else { "fd00:1::2" };
        let echo = change(Echo::new(source.parse().unwrap(), target, size));
        testing::block_on(async {
            Pinger::open_in(&self.near).unwrap().echo(echo.deadline(Duration::from_secs(5))).await
        })
    }
}

fn at(address: &str) -> IpAddr {
    address.parse().unwrap()
}

fn as_is(echo: Echo) -> Echo {
    echo
}

#[test]
fn what_happens_to_an_echo_is_told() {
    if !testing::is_root() {
        return;
    }
    let row = Row::new();
    for (target, router, nobody) in
        [("10.2.0.2", at("10.1.0.1"), "10.2.0.77"), ("fd00:2::2", at("fd00:1::1"), "fd00:2::77")]
    {
        assert!(row.echo(target, 64, as_is).is_reply());
        assert!(row.echo(target, 1500, as_is).is_reply());
        assert_eq!(row.echo(target, 1501, as_is), Outcome::LocalTooBig);
        let expired = row.echo(target, 64, |echo| echo.hop_limit(1));
        assert_eq!(expired, Outcome::TimeExceeded { from: router });
        let nobody = row.echo(nobody, 64, as_is);
        assert!(
            matches!(nobody, Outcome::Unreachable { reason: Reason::NoSuchHost, .. }),
            "{nobody:?}"
        );
    }
    let nowhere = row.echo("203.0.113.9", 64, as_is);
    let from = at("10.1.0.1");
    assert_eq!(nowhere, Outcome::Unreachable { from, reason: Reason::NoRoute });
}

#[test]
fn a_narrow_link_ahead_is_told_by_its_router() {
    if !testing::is_root() {
        return;
    }
    let row = Row::new();
    row.router.sh("ip link set leg2 mtu 1300");
    row.far.sh("ip link set eth0 mtu 1300");
    for (target, from) in [("10.2.0.2", at("10.1.0.1")), ("fd00:2::2", at("fd00:1::1"))] {
        assert!(row.echo(target, 1300, as_is).is_reply());
        let big = Outcome::PacketTooBig { from, mtu: 1300 };
        assert_eq!(row.echo(target, 1301, as_is), big);
        // The kernel has learned the path's MTU by now; the answer must not change.
        assert_eq!(row.echo(target, 1301, as_is), big);
    }
}

#[test]
fn silence_and_a_rejection_are_told_apart() {
    if !testing::is_root() {
        return;
    }
    let row = Row::new();
    row.router.sh("nft add table inet t
         nft add chain inet t c '{ type filter hook forward priority 0; }'
         nft add rule inet t c ip daddr 10.2.0.2 drop
         nft add rule inet t c ip6 daddr fd00:2::2 reject with icmpv6 admin-prohibited");
    let silent = row.echo("10.2.0.2", 64, |echo| echo);
    assert_eq!(silent, Outcome::Silence);
    let from = at("fd00:1::1");
    let rejected = Outcome::Unreachable { from, reason: Reason::Prohibited };
    assert_eq!(row.echo("fd00:2::2", 64, as_is), rejected);
}

#[test]
fn many_echoes_share_a_socket() {
    if !testing::is_root() {
        return;
    }
    let row = Row::new();
    let replies = testing::block_on(async {
        let pinger = Pinger::open_in(&row.near).unwrap();
        let echo = |size| pinger.echo(Echo::new(at("10.1.0.2"), at("10.2.0.2"), size));
        let outcomes: Vec<_> = (64..264).map(echo).collect::<FuturesUnordered<_>>().collect().await;
        outcomes.iter().filter(|outcome| outcome.is_reply()).count()
    });
    assert_eq!(replies, 200);
}

#[test]
fn one_answer_is_enough() {
    if !testing::is_root() {
        return;
    }
    let row = Row::new();
    let ask = |targets: &[&str], patience| {
        let targets: Vec<_> = targets.iter().copied().map(at).collect();
        row.near.block_on(async || any_answers(&targets, patience).await)
    };
    // An answer ends the wait: there may be a lot of it.
    assert!(ask(&["10.2.0.77", "fd00:2::2"], Duration::from_secs(10)).unwrap());
    assert!(!ask(&["10.2.0.77"], Duration::from_millis(300)).unwrap());
    assert!(!ask(&[], Duration::from_millis(300)).unwrap());
}
