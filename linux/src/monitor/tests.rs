use std::time::Duration;

use futures_util::StreamExt;

use super::*;
use crate::route::MAIN;
use crate::testing::{self, Host};

/// The kernel tells at once; this is for a machine that is busy.
const DEADLINE: Duration = Duration::from_secs(5);

/// The next event that is as wanted.
async fn hears(monitor: &mut Monitor, what: &str, wanted: impl Fn(&KernelEvent) -> bool) {
    let found = async {
        while let Some(event) = monitor.next().await {
            if wanted(&event) {
                return;
            }
        }
        panic!("the monitor ended before {what}");
    };
    assert!(tokio::time::timeout(DEADLINE, found).await.is_ok(), "nothing is told of `{what}`");
}

fn link(wanted: &'static str, is_gone: bool) -> impl Fn(&KernelEvent) -> bool {
    move |event| matches!(event, KernelEvent::Link { name, gone, .. } if name == wanted && *gone == is_gone)
}

fn address(wanted: &'static str, is_gone: bool) -> impl Fn(&KernelEvent) -> bool {
    move |event| {
        matches!(event, KernelEvent::Address { address, gone, .. }
            if address.to_string() == wanted && *gone == is_gone)
    }
}

fn route(wanted: &'static str, of: u32, is_gone: bool) -> impl Fn(&KernelEvent) -> bool {
    move |event| {
        matches!(event, KernelEvent::Route { table, destination, gone }
            if *table == of && destination.to_string() == wanted && *gone == is_gone)
    }
}

fn rule(of: Family, is_gone: bool) -> impl Fn(&KernelEvent) -> bool {
    move |event| *event == KernelEvent::Rule { family: of, priority: 5180, gone: is_gone }
}

fn forwarding(family: Family, scope: Scope) -> impl Fn(&KernelEvent) -> bool {
    move |event| *event == KernelEvent::Forwarding { family, scope }
}

fn firewall(wanted: impl Fn(&FirewallChange) -> bool) -> impl Fn(&KernelEvent) -> bool {
    move |event| matches!(event, KernelEvent::Firewall(change) if wanted(change))
}

fn in_table(change: &FirewallChange, family: &str, name: &str) -> bool {
    change.tables.contains(&Table { family: family.to_owned(), name: name.to_owned() })
}

fn in_chain(change: &FirewallChange, family: &str, table: &str, name: &str) -> bool {
    let [family, table, name] = [family, table, name].map(str::to_owned);
    change.chains.contains(&Chain { family, table, name })
}

/// Does these lines, one after the other, and hears of each.
macro_rules! is_told {
    ($monitor:ident, $host:ident, $($lines:literal => $wanted:expr;)*) => {
        $($host.sh($lines); hears(&mut $monitor, $lines, $wanted).await;)*
    };
}

#[test]
fn changes_of_links_addresses_routes_and_rules_are_told() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    host.block_on(async || {
        let mut monitor = Monitor::open(&[MAIN, 52, 7120]).unwrap();
        is_told! { monitor, host,
            "ip link add moorline0 type bridge" => link("moorline0", false);
            "ip link set moorline0 up" => link("moorline0", false);
            "ip link set moorline0 mtu 1400" => link("moorline0", false);
            "ip address add 10.42.1.1/24 dev moorline0" => address("10.42.1.1", false);
            "ip address add fd00::1/64 dev moorline0" => address("fd00::1", false);
            "ip route add 10.42.2.0/24 dev moorline0" => route("10.42.2.0/24", MAIN, false);
            "ip route add 10.42.3.0/24 dev moorline0 table 52" => route("10.42.3.0/24", 52, false);
            "ip route add fd01::/64 dev moorline0 table 7120" => route("fd01::/64", 7120, false);
            "ip route add default dev moorline0" => route("0.0.0.0/0", MAIN, false);
            "ip route del 10.42.2.0/24" => route("10.42.2.0/24", MAIN, true);
            "ip route flush table 52" => route("10.42.3.0/24", 52, true);
            "ip rule add to 10.42.1.0/24 priority 5180 lookup main" => rule(Family::Ipv4, false);
            "ip rule del priority 5180" => rule(Family::Ipv4, true);
            "ip -6 rule add to fd00::/64 priority 5180 lookup main" => rule(Family::Ipv6, false);
            "ip -6 rule del priority 5180" => rule(Family::Ipv6, true);
            "ip address del 10.42.1.1/24 dev moorline0" => address("10.42.1.1", true);
            "ip link set moorline0 down" => link("moorline0", false);
            "ip link del moorline0" => link("moorline0", true);
        }
    });
}

#[test]
fn a_port_that_leaves_its_bridge_is_told_and_is_not_gone() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    host.sh("ip link add bridge0 type bridge
             ip link add name port master bridge0 type veth peer name other");
    host.block_on(async || {
        let mut monitor = Monitor::open(&[]).unwrap();
        let what = "ip link set port nomaster";
        host.sh(what);
        hears(&mut monitor, what, link("port", false)).await;
        host.sh("ip link add last type bridge");
        hears(&mut monitor, "what came after", |event| {
            assert!(!link("port", true)(event), "{event:?}");
            link("last", false)(event)
        })
        .await;
    });
}

#[test]
fn forwarding_and_rp_filter_are_told() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    host.sh("ip link add vpn0 type bridge; sysctl -qw net.ipv4.conf.all.rp_filter=0");
    let index = host.sh("ip -o link show vpn0");
    let index = index.split(':').next().unwrap().trim().parse().unwrap();
    host.block_on(async || {
        let mut monitor = Monitor::open(&[]).unwrap();
        is_told! { monitor, host,
            "sysctl -qw net.ipv4.ip_forward=1" => forwarding(Family::Ipv4, Scope::All);
            "sysctl -qw net.ipv4.ip_forward=0" => forwarding(Family::Ipv4, Scope::All);
            "sysctl -qw net.ipv6.conf.all.forwarding=1" => forwarding(Family::Ipv6, Scope::All);
            "sysctl -qw net.ipv4.conf.all.rp_filter=1" => forwarding(Family::Ipv4, Scope::All);
            "sysctl -qw net.ipv4.conf.default.rp_filter=1"
                => forwarding(Family::Ipv4, Scope::Default);
            "sysctl -qw net.ipv4.conf.vpn0.rp_filter=2"
                => forwarding(Family::Ipv4, Scope::Interface(index));
            "sysctl -qw net.ipv4.conf.vpn0.forwarding=1"
                => forwarding(Family::Ipv4, Scope::Interface(index));
        }
    });
}

#[test]
fn a_firewall_change_is_told_with_who_did_it() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    host.block_on(async || {
        let mut monitor = Monitor::open(&[]).unwrap();
        is_told! { monitor, host,
            "nft add table inet moorline" => firewall(|change| {
                in_table(change, "inet", "moorline") && change.program.as_deref() == Some("nft")
            });
            "nft add chain inet moorline forward" => firewall(|change| {
                in_chain(change, "inet", "moorline", "forward") && !change.base_chain
            });
            "nft add rule inet moorline forward accept" => firewall(|change| {
                in_chain(change, "inet", "moorline", "forward")
            });
            "nft flush chain inet moorline forward" => firewall(|change| {
                in_chain(change, "inet", "moorline", "forward") && !change.base_chain
            });
            "iptables-nft -P FORWARD DROP" => firewall(|change| {
                in_chain(change, "ip", "filter", "FORWARD") && change.base_chain
            });
            "ip6tables-nft -I FORWARD -j ACCEPT" => firewall(|change| {
                in_chain(change, "ip6", "filter", "FORWARD")
            });
            "nft flush ruleset" => firewall(|change| {
                in_table(change, "inet", "moorline") && in_table(change, "ip", "filter")
            });
        }
    });
}

async fn hears_no_other_route(monitor: &mut Monitor, wanted: impl Fn(&KernelEvent) -> bool) {
    hears(monitor, "the route of a table that was asked for", |event| {
        let is_wanted = wanted(event);
        assert!(is_wanted || !matches!(event, KernelEvent::Route { .. }), "{event:?}");
        is_wanted
    })
    .await;
}

#[test]
fn routes_of_other_tables_are_not_told() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    host.sh("ip link add vpn0 type bridge; ip link set vpn0 up");
    host.block_on(async || {
        let mut monitor = Monitor::open(&[MAIN, 52]).unwrap();
        host.sh("ip route add 10.1.0.0/24 dev vpn0 table 53
                 ip route add 10.2.0.0/24 dev vpn0 table 1000
                 ip -6 route add fd01::/64 dev vpn0 table 1000
                 ip route add 10.3.0.0/24 dev vpn0 table 52");
        hears_no_other_route(&mut monitor, route("10.3.0.0/24", 52, false)).await;
    });
}

#[test]
fn a_table_above_255_is_told_and_no_other_such() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    host.sh("ip link add vpn0 type bridge; ip link set vpn0 up");
    host.block_on(async || {
        let mut monitor = Monitor::open(&[7120]).unwrap();
        host.sh("ip route add 10.1.0.0/24 dev vpn0 table 1000
                 ip route add 10.2.0.0/24 dev vpn0 table 7120");
        hears_no_other_route(&mut monitor, route("10.2.0.0/24", 7120, false)).await;
    });
}

#[test]
fn more_than_the_kernel_keeps_is_told_once_and_then_all_goes_on() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    host.sh("ip link add vpn0 type bridge; ip link set vpn0 up");
    host.block_on(async || {
        let mut monitor = Monitor::open(&[MAIN]).unwrap();
        // Nothing is read meanwhile: this is the runtime's only thread.
        host.sh("for high in $(seq 0 127); do for low in $(seq 0 127); do
                   echo route add 10.$high.$low.0/24 dev vpn0
                 done; done | ip -batch -");
        hears(&mut monitor, "too much", |event| *event == KernelEvent::Lost).await;
        host.sh("ip link add after type bridge");
        hears(&mut monitor, "what came after", |event| {
            assert!(!matches!(event, KernelEvent::Lost | KernelEvent::Route { .. }), "{event:?}");
            link("after", false)(event)
        })
        .await;
    });
}

#[test]
fn what_cannot_be_read_is_passed_over() {
    let mut transaction = FirewallChange::default();
    // A message of every kind, with an attribute that says it is longer than the message.
    for kind in (0..=100_u16).chain(2560..2600) {
        for length in 16..64_u32 {
            let mut datagram = vec![0xff; 60];
            datagram[..4].copy_from_slice(&length.to_ne_bytes());
            datagram[4..6].copy_from_slice(&kind.to_ne_bytes());
            datagram[16] = 2;
            drop(routing::events(&datagram, &[MAIN]).collect::<Vec<_>>());
            drop(transaction.take(&datagram));
        }
    }
}
