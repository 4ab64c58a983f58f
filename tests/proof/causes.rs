//! Each test breaks one thing, and the verdict must name it.

use std::collections::BTreeSet;

use linux::Namespace;
use moorline::proof::{self, Outcome, Request, Round, Verdict};
use provider_api::Peer;

use crate::hosts::{Host, MTU, Pair, is_root};

#[test]
fn canaries_that_answer_prove_the_node() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    let verdict = pair.verdict();
    assert_eq!(verdict.outcome, Outcome::Proven, "{verdict:#?}");
    assert_eq!(verdict.findings, []);
    let [peer] = &verdict.peers[..] else { panic!("{verdict:#?}") };
    assert_eq!(peer.crossings.len(), 2);
    assert!(peer.crossings.iter().all(|crossing| crossing.largest == Some(MTU)));
    let request = pair.here.request(vec![pair.there.peer()]);
    let glance = pair.here.block_on(async || proof::glance(&request).await.unwrap());
    assert_eq!(glance.outcome, Outcome::Proven);
}

#[test]
fn one_dead_peer_does_not_keep_a_node_from_proven() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    let dead = Peer { name: "dead".into(), ..Host::new(3).peer() };
    let request = pair.here.request(vec![dead, pair.there.peer()]);
    let verdict = pair.here.block_on(async || proof::prove(&request).await.unwrap());
    assert_eq!(verdict.outcome, Outcome::Proven);
    assert!(verdict.findings.iter().all(|finding| finding.what.contains("dead")), "{verdict:#?}");
    assert!(!verdict.findings.is_empty());
}

#[test]
fn forwarding_off_is_named_on_either_side() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    let off = "sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0";
    let on = "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1";
    pair.here.sh(off);
    pair.assert_cause("forwarding-off-here", "net.ipv6.conf.all.forwarding");
    pair.here.sh(on);
    pair.there.sh(off);
    pair.assert_cause("forwarding-off-at-peer", "node-2");
    pair.there.sh(on);
    assert_eq!(pair.verdict().outcome, Outcome::Proven);
}

#[test]
fn a_forward_drop_is_named_on_either_side() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    let drop = "nft add table inet fw
                nft add chain inet fw hooked '{ type filter hook forward priority 0; policy drop; }'";
    pair.here.sh(drop);
    pair.assert_cause("firewall-here", "table inet fw, chain hooked, by its policy, drop");
    pair.here.sh("nft delete table inet fw");
    pair.there.sh(drop);
    pair.assert_cause("firewall-at-peer", "node-2");
}

#[test]
fn the_fix_for_a_forward_drop_as_docker_sets_it_lets_pods_through() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    pair.here.sh("iptables -P FORWARD DROP; ip6tables -P FORWARD DROP");
    let verdict = pair.assert_cause("firewall-here", "chain FORWARD");
    for finding in verdict.findings {
        pair.here.sh(&finding.fix.unwrap());
    }
    let verdict = pair.verdict();
    assert_eq!(
        verdict.outcome,
        Outcome::Proven,
        "{verdict:#?} {}",
        pair.here.sh("nft list ruleset")
    );
}

#[test]
fn an_mtu_hole_is_measured() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    pair.here.firewall("postrouting", &["oifname vpn0 meta length \\> 1217 drop"]);
    let verdict = pair.assert_cause("mtu-hole", "larger than 1217 bytes");
    let crossings = &verdict.peers[0].crossings;
    assert!(crossings.iter().all(|crossing| crossing.largest == Some(1217) && !crossing.crossed));
}

#[test]
fn answers_that_are_dropped_here_are_named() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    pair.here
        .firewall("forward", &["icmp type echo-reply drop", "icmpv6 type echo-reply counter drop"]);
    let verdict = pair.assert_cause("firewall-here", "table inet guard, chain strict, by the rule");
    assert!(verdict.findings.iter().all(|finding| finding.what.contains("answers")));
}

#[test]
fn a_peer_of_which_nothing_comes_is_silent() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    // A tunnel has no neighbours to find, as this pair's cable has.
    let neighbours = "icmpv6 type '{ nd-neighbor-solicit, nd-neighbor-advert }' accept";
    pair.there.firewall("postrouting", &[neighbours, "oifname vpn0 drop"]);
    pair.assert_cause("peer-silent", "nor from itself");

    // Its own questions arrive here, so that it is ours which do not arrive there.
    let request = pair.here.request(vec![pair.there.peer()]);
    let closer = [pair.there.peer().id].into();
    let round = Round { request, counted: BTreeSet::new(), closer };
    let mut evidence = pair.here.block_on(async || proof::probe(&round).await.unwrap());
    for canary in &mut evidence.peers[0].canaries {
        canary.trouble.as_mut().expect("a closer look").heard = true;
    }
    let verdict = proof::judge(&evidence);
    let codes: Vec<_> = verdict.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["one-direction"; 2], "{verdict:#?}");
}

#[test]
fn a_policy_that_lets_no_pods_through_is_named() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    // A VPN's own filter drops before the kernel could say a word.
    let drop = |rules: &[&str]| {
        pair.there.sh("nft delete table inet vpn 2>/dev/null || true; nft add table inet vpn
             nft add chain inet vpn filter '{ type filter hook prerouting priority -450; }'");
        for rule in rules {
            pair.there.sh(&format!("nft add rule inet vpn filter {rule}"));
        }
    };
    drop(&["ip saddr 10.42.1.0/24 drop", "ip6 saddr 2001:cafe:42:1::/64 drop"]);
    pair.assert_cause("pods-refused", "answer this node, and not its pods");
    let unserved = pair.here.pod_cidrs();
    let request = Request { unserved, ..pair.here.request(vec![pair.there.peer()]) };
    let verdict = pair.here.block_on(async || proof::prove(&request).await.unwrap());
    assert!(verdict.findings.iter().all(|finding| finding.code == "no-way-back"), "{verdict:#?}");

    drop(&["ip daddr 10.42.2.0/24 drop", "ip6 daddr 2001:cafe:42:2::/64 drop"]);
    pair.assert_cause("pods-refused", "nothing reaches its pods");
}

#[test]
fn strict_reverse_path_filtering_is_named_where_it_drops() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    // Requests take the VPN by their mark, which the filter does not look at.
    pair.here.sh("sysctl -qw net.ipv4.conf.vpn0.rp_filter=1
         ip route add 10.42.2.0/24 via 100.64.0.2 table 52
         ip rule add pref 5270 fwmark 0x52 lookup 52
         nft add table ip marks
         nft add chain ip marks early '{ type filter hook prerouting priority -150; }'
         nft add rule ip marks early iifname moorline0 meta mark set 0x52
         ip link add elsewhere type bridge; ip link set elsewhere up
         ip route replace 10.42.2.0/24 dev elsewhere");
    let verdict = pair.verdict();
    let ipv4 = verdict.findings.iter().find(|finding| finding.code == "rp-filter-here");
    assert!(ipv4.is_some(), "{verdict:#?}");
}

#[test]
fn a_foreign_route_that_takes_the_own_pods_is_named() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    pair.here.sh("ip route add 10.42.0.0/16 via 100.64.0.2 table 52
                  ip route add 2001:cafe:42::/48 via fd7a::2 table 52
                  ip rule add pref 5270 lookup 52; ip -6 rule add pref 5270 lookup 52");
    pair.assert_cause("own-pods-elsewhere", "vpn0");
}

#[test]
fn a_peer_without_a_canary_is_unknown() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    // The kernel deletes the cable of a namespace that is gone when it likes.
    pair.there.sh("ip link del moorline-canary; ip link add port type veth peer name pod
                   ip link set port master moorline0 up; ip link set pod up");
    Namespace::remove(&pair.there.canary_path()).unwrap();
    let verdict = pair.assert_cause("peer-without-canary", "node-2");
    assert_eq!(verdict.outcome, Outcome::Unknown);
}

#[test]
fn a_node_without_pods_probes_from_its_own_address() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    let member = || {
        let request = Request {
            canary: None,
            pod_cidrs: vec![],
            ..pair.here.request(vec![pair.there.peer()])
        };
        pair.here.block_on(async || proof::prove(&request).await.unwrap())
    };
    assert_eq!(member().outcome, Outcome::Proven);
    pair.there.sh("sysctl -qw net.ipv4.ip_forward=0");
    let codes = |verdict: Verdict| -> Vec<_> {
        verdict.findings.into_iter().map(|finding| finding.code).collect()
    };
    assert_eq!(codes(member()), ["forwarding-off-at-peer"]);
    pair.there.sh("sysctl -qw net.ipv4.ip_forward=1");
    pair.here.firewall("input", &["icmp type echo-reply drop"]);
    assert_eq!(codes(member()), ["firewall-here"]);
}
