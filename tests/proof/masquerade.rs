//! Whether requests left with the address that they had.

use moorline::proof::{self, Outcome, Request};

use crate::hosts::{Pair, is_root};

/// For each family, whether the source was kept.
fn kept(pair: &Pair) -> [Option<bool>; 2] {
    let unserved = pair.here.pod_cidrs();
    let request = Request { unserved, ..pair.here.request(vec![pair.there.peer()]) };
    let verdict = pair.here.block_on(async || proof::prove(&request).await.unwrap());
    assert_eq!(verdict.outcome, Outcome::Proven, "{verdict:#?}");
    assert_eq!(pair.here.sh("nft list tables | grep proof || true"), "", "no counters are left");
    let kept = verdict.peers[0].crossings.iter().map(|crossing| crossing.source_kept);
    kept.collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn a_masquerade_is_seen_on_the_wire() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    assert_eq!(kept(&pair), [Some(true); 2]);
    pair.here.sh("nft add table ip nat
         nft add chain ip nat out '{ type nat hook postrouting priority 100; }'
         nft add rule ip nat out ip saddr 10.42.1.0/24 oifname vpn0 masquerade");
    assert_eq!(kept(&pair), [Some(false), Some(true)]);
}

#[test]
fn nobody_looks_where_the_routes_are_served() {
    if !is_root() {
        return;
    }
    let crossings = &Pair::joined().verdict().peers[0].crossings;
    assert!(crossings.iter().all(|crossing| crossing.source_kept.is_none()));
}
