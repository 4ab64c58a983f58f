//! The pod network's part of a node's firewall: pods pass where others drop by default, and
//! leave the cluster with the node's address; nothing else is changed, and nothing stays.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;
use testenv::{Host, Lab, Pod, Traffic, until};

use crate::common::lab;
use crate::scene::{AUTO_APPROVED, Joiner, Scene};

/// How long news take through the control server to every node, on a busy machine.
const NEWS: Duration = Duration::from_secs(15);

/// firewalld, as `nft list chain inet firewalld filter_FORWARD` shows it: it accepts what a zone
/// does, and rejects the rest.
const FIREWALLD: &str = "table inet firewalld {
    chain filter_FORWARD_ZONES { }
    chain filter_FORWARD {
        type filter hook forward priority filter + 10; policy accept;
        ct state { established, related } accept
        ct status dnat accept
        iifname lo accept
        ct state invalid drop
        jump filter_FORWARD_ZONES
        reject with icmpx admin-prohibited
    }
}";

/// ufw with its defaults, as `iptables -S FORWARD` shows it, for both families.
const UFW: &str = "for tables in iptables ip6tables; do
    for chain in before-forward after-forward reject-forward; do
      $tables -N ufw-$chain; $tables -A FORWARD -j ufw-$chain
    done
    $tables -A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    $tables -P FORWARD DROP
  done";

/// Two nodes with a pod each, and a machine outside of the VPN.
struct World<'a> {
    a: Joiner<'a>,
    b: Joiner<'a>,
    pods: [Pod; 2],
    outside: Host,
}

impl<'a> World<'a> {
    fn new(lab: &Lab, scene: &'a Scene) -> World<'a> {
        let (a, b) = (scene.joined(lab.host("a").with_ipv6(), 1), scene.joined(lab.host("b"), 2));
        let outside = lab.host("outside").with_ipv6().start();
        let pods = [a.a_pod(), b.a_pod()];
        outside.serve();
        b.serve();
        pods.iter().for_each(Traffic::serve);
        // It met the other node only now.
        a.up(&[]).succeeded();
        World { a, b, pods, outside }
    }

    /// A pod reaches everybody whom it should, each of whom sees the right address.
    fn is_connected(&self, when: &str) {
        let World { a, outside, pods: [own, other], .. } = self;
        let sees = |to: IpAddr| own.fetch(to).seen();
        let peer = vpn_address(&self.b);
        assert_eq!(sees(outside.address()), Ok(a.address()), "outside, {when}");
        assert_eq!(sees(outside.address6()), Ok(a.address6()), "outside, IPv6, {when}");
        assert_eq!(sees(other.v4()), Ok(own.v4()), "another pod, {when}");
        assert_eq!(sees(other.v6()), Ok(own.v6()), "another pod, IPv6, {when}");
        assert_eq!(sees(peer), Ok(own.v4()), "another node, {when}");
        assert_eq!(other.fetch(own.v4()).seen(), Ok(other.v4()), "from another pod, {when}");
    }
}

fn vpn_address(host: &Host) -> IpAddr {
    let line = host.ip("-4 -o address show dev tailscale0");
    let address = line.split_whitespace().find_map(|word| word.strip_suffix("/32"));
    address.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("{line}"))
}

/// What of Moorline's is in the firewall.
fn traces(host: &Host) -> String {
    host.shell("nft list ruleset | grep -i moorline; iptables-save | grep -i moorline; true").stdout
}

fn changes(report: &Value) -> Vec<&str> {
    let changes = report["changes"]["changes"].as_array().expect("a list of changes");
    changes.iter().filter_map(|change| change["subject"].as_str()).collect()
}

#[test]
fn pods_pass_where_others_drop_by_default() {
    let Some(lab) = lab("pod firewall") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let world = World::new(&lab, &scene);
    let (a, [own, _]) = (&world.a, &world.pods);
    world.is_connected("at first");
    assert_eq!(changes(&a.up(&[]).succeeded().json()), [""; 0], "all is there");

    let _ = a.shell(UFW).succeeded();
    a.nft(FIREWALLD);
    assert!(!own.fetch(world.outside.address()).is_complete(), "ufw lets pods out by itself");
    let mended = ["ip filter FORWARD", "ip6 filter FORWARD", "inet firewalld filter_FORWARD"];
    let mended = mended.map(|chain| format!("nftables chain {chain}"));
    let mut told = changes(&a.up(&[]).succeeded().json()).join("\n");
    assert!(mended.iter().all(|subject| told.contains(subject)), "{told}");
    world.is_connected("behind ufw and firewalld");
    let _ = a.shell("iptables -S && ip6tables -S").succeeded();

    // As firewalld reloads.
    a.nft(&format!("delete table inet firewalld; {FIREWALLD}"));
    a.nft("flush chain inet moorline postrouting");
    told = changes(&a.up(&[]).succeeded().json()).join("\n");
    assert_eq!(told, format!("nftables table inet moorline\n{}", mended[2]));
    world.is_connected("after a reload");

    let before = a.shell("nft -s list ruleset").stdout;
    assert!(before.contains("MOORLINE-FORWARD") && before.contains("table inet moorline"));
    let _ = a.moorline(["leave"]).succeeded();
    assert_eq!(traces(a), "");
    // tailscaled tries the addresses of the other node's bridge, which are no private ones.
    lab.forgive_strays();
}

#[test]
fn a_stranger_in_the_vpn_sees_the_node_and_a_decision_stands() {
    let Some(lab) = lab("pod firewall, strangers") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let world = World::new(&lab, &scene);
    let (a, [own, other]) = (&world.a, &world.pods);
    // One that takes no routes, so that it knows no way to pods.
    let stranger = scene.stranger(lab.host("stranger"));
    stranger.serve();
    a.up(&[]).succeeded();
    let seen = until("a stranger that answers", NEWS, || own.fetch(vpn_address(&stranger)).seen());
    assert_eq!(seen, vpn_address(a));

    a.forward_policy_drop();
    let decision = format!("iptables -A FORWARD -d {} -j DROP", other.v4());
    let _ = a.shell(&decision).succeeded();
    a.up(&["--wait", "joined"]).succeeded();
    assert_eq!(own.fetch(world.outside.address()).seen(), Ok(a.address()));
    let rules = a.shell("iptables -S FORWARD | tail -2").stdout;
    assert!(rules.ends_with("-A FORWARD -j MOORLINE-FORWARD\n"), "{rules}");
    assert!(rules.starts_with("-A FORWARD -d"), "{rules}");
    lab.forgive_strays();
}

/// Each of these keeps pods from the outside; no two are about the same thing, which would look
/// like a quarrel.
const BREAKS: [&str; 5] = [
    "nft flush chain inet moorline postrouting",
    "iptables -P FORWARD DROP",
    "nft add table ip mine; nft 'add chain ip mine everything { type filter hook forward priority 5; \
     policy drop; }'",
    FIREWALLD_STARTS,
    // Another program takes the number of our ip rule.
    "ip rule del pref 5170; ip route add unreachable 10.42.1.0/24 table 99; \
     ip rule add pref 5170 to 10.42.1.0/24 lookup 99",
];

const FIREWALLD_STARTS: &str = "nft add table inet firewalld; nft 'add chain inet firewalld \
    filter_FORWARD { type filter hook forward priority filter + 10; }'; nft add rule inet firewalld \
    filter_FORWARD reject with icmpx admin-prohibited";

#[test]
fn the_service_puts_back_what_is_taken_and_passes_who_comes_to_drop() {
    let Some(lab) = lab("pod firewall, service") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let (a, b) = (scene.node(lab.host("a"), 1), scene.joined(lab.host("b"), 2));
    let outside = lab.host("outside").start();
    outside.serve();
    b.serve();
    let service = a.run();
    let is_out = |pod: &Pod| match pod.fetch(outside.address()).seen() {
        Ok(address) if address == a.address() => Ok(()),
        other => Err(format!("{other:?}\n{}", service.said())),
    };
    until("a pod bridge", NEWS, || match a.shell("ip link show moorline0").code {
        Some(0) => Ok(()),
        _ => Err(service.said()),
    });
    let pod = a.a_pod();
    until("a pod that gets out", NEWS, || is_out(&pod));
    for line in BREAKS {
        a.shell(line).succeeded();
        until(&format!("a pod that gets out after `{line}`"), NEWS, || is_out(&pod));
    }
    // Who joins is known without anybody's word.
    let c = scene.joined(lab.host("c"), 3);
    c.serve();
    until("a node that is no stranger", NEWS, || {
        let seen = pod.fetch(vpn_address(&c)).seen();
        if seen == Ok(pod.v4()) { Ok(()) } else { Err(format!("{seen:?}\n{}", service.said())) }
    });
    let said = service.said();
    assert!(!said.contains("changed-back"), "{said}");
}

/// A pod that believes in the usual MTU.
const USUAL: u32 = 1500;

#[test]
fn the_first_packet_of_a_connection_asks_for_segments_that_fit() {
    let Some(lab) = lab("pod firewall, segments") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let (a, b) = (scene.joined(lab.host("a"), 1), scene.joined(lab.host("b"), 2));
    let pods = [(&a, 1), (&b, 2)]
        .map(|(host, number)| host.pod_with_mtu("pod", &format!("10.42.{number}.10/24"), USUAL));
    pods[1].serve();
    b.nft(
        "table inet seen { chain early {
            type filter hook prerouting priority raw;
            iifname tailscale0 tcp flags syn tcp option maxseg size 1240 counter
            iifname tailscale0 tcp flags syn tcp option maxseg size > 1240 counter
        }; }",
    );
    assert_eq!(pods[0].fetch(pods[1].v4()).seen(), Ok(pods[0].v4()));
    let seen =
        b.shell("nft list table inet seen | sed -n 's/.*packets \\([0-9]*\\).*/\\1/p'").stdout;
    let [fitting, too_large] = seen.lines().collect::<Vec<_>>()[..] else { panic!("{seen}") };
    assert_ne!(fitting, "0");
    assert_eq!(too_large, "0");
}
