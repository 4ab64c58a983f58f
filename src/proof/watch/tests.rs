use std::net::IpAddr;

use linux::icmp::Outcome as Echoed;
use provider_api::{NodeId, Path, Peer};

use super::*;
use crate::proof::evidence::{Between, CanaryEvidence, Counted, PeerEvidence, Trouble};
use crate::proof::{ClusterKey, Kin, Outcome, Word};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

fn peer(number: usize) -> Peer {
    Peer {
        id: NodeId::new(format!("{number:03}")),
        name: format!("node-{number:03}"),
        cluster: None,
        tags: vec![],
        addresses: vec![format!("100.64.0.{number}").parse().unwrap()],
        routes: vec![format!("10.42.{number}.0/24").parse().unwrap()],
        online: true,
        path: Path::Idle,
        last_contact: None,
        removal: None,
    }
}

fn request(peers: Vec<Peer>) -> Request {
    Request {
        between: Between::Pods,
        canary: Some("/run/moorline/canary".into()),
        pod_cidrs: vec!["10.42.0.0/24".parse().unwrap()],
        unserved: vec![],
        cluster_cidrs: vec!["10.42.0.0/16".parse().unwrap()],
        pod_bridge: "moorline0".into(),
        node_addresses: vec!["100.64.0.200".parse().unwrap()],
        interface: "vpn0".into(),
        mtu: 1280,
        key: Some(ClusterKey::new(&"a".parse().unwrap(), None)),
        peers,
    }
}

fn watcher(peers: impl IntoIterator<Item = Peer>) -> Watcher {
    Watcher::new(Limits::default(), request(peers.into_iter().collect()), Heard::default())
}

/// What its responder and the echoes came to.
#[derive(Clone)]
enum Answer {
    Kin(Duration),
    Foreign,
    Silence,
    /// One of ten was lost.
    Lossy,
}

fn canary(peer: &Peer, answer: &Answer) -> CanaryEvidence {
    let canary: IpAddr = match peer.routes[0].addr() {
        IpAddr::V4(network) => IpAddr::V4((network.to_bits() + 2).into()),
        IpAddr::V6(_) => unreachable!("peers of these tests have IPv4"),
    };
    let source = "10.42.0.2".parse().unwrap();
    let rtt = 20 * MILLISECOND;
    let kin = Word::Kin { node: peer.name.clone(), source };
    let (word, small, tries) = match answer {
        Answer::Kin(rtt) => (kin, Echoed::Reply { rtt: *rtt }, vec![Some(*rtt)]),
        Answer::Lossy => {
            let tries = (0..10).map(|number| (number > 0).then_some(rtt)).collect();
            (kin, Echoed::Reply { rtt }, tries)
        }
        Answer::Foreign => (Word::Foreign, Echoed::Silence, vec![]),
        Answer::Silence => (Word::Silence, Echoed::Silence, vec![None, None, None]),
    };
    CanaryEvidence {
        source,
        canary,
        full: small.is_reply().then(|| small.clone()),
        small,
        largest: None,
        source_kept: None,
        word: Some(word),
        tries,
        trouble: None,
    }
}

fn evidence(round: &Round, answer: impl Fn(&Peer) -> Answer) -> Evidence {
    let peers = round.request.peers.iter().map(|peer| PeerEvidence {
        id: peer.id.clone(),
        name: peer.name.clone(),
        canaries: vec![canary(peer, &answer(peer))],
    });
    Evidence {
        here: Here::unseen(&round.request),
        peers: peers.collect(),
        offline: vec![],
        unasked: vec![],
    }
}

/// Runs a watcher for so long, and returns who was asked when.
fn run(
    watcher: &mut Watcher,
    start: Instant,
    length: Duration,
    answer: impl Fn(&Peer) -> Answer,
) -> Vec<(Instant, Vec<String>)> {
    let mut rounds = Vec::new();
    let mut now = start;
    while let Some(next) = watcher.next(now)
        && next <= start + length
    {
        now = next.max(now);
        let round = watcher.due(now).expect("a round that was announced");
        let names = round.request.peers.iter().map(|peer| peer.name.clone()).collect();
        rounds.push((now, names));
        watcher.took_in(evidence(&round, &answer), now);
    }
    rounds
}

fn well(_: &Peer) -> Answer {
    Answer::Kin(20 * MILLISECOND)
}

/// What a closer look finds where requests leave, and nothing comes back.
fn nothing_comes_back() -> Trouble {
    Trouble {
        gateway: Echoed::Silence,
        last_hop: Echoed::Silence,
        node: None,
        from_node: None,
        heard: false,
        way_out: Some("vpn0".into()),
        way_back: Some("moorline0".into()),
        counted: Some(Counted { request_in: 3, request_out: 3, ..Counted::default() }),
        dropped: vec![],
    }
}

fn codes(verdict: &Verdict) -> Vec<&str> {
    verdict.findings.iter().map(|finding| finding.code.as_str()).collect()
}

#[test]
fn three_idle_peers_cost_one_round_in_ten_seconds() {
    let mut watcher = watcher((1..=3).map(peer));
    let start = Instant::now();
    let rounds = run(&mut watcher, start, 60 * SECOND, well);
    assert_eq!(rounds.len(), 7);
    assert!(rounds.iter().all(|(_, names)| names.len() == 3));
    assert_eq!(watcher.verdict(start + 60 * SECOND).outcome, Outcome::Proven);
}

#[test]
fn nobody_there_costs_nothing() {
    let offline = Peer { online: false, ..peer(1) };
    for mut watcher in [watcher([]), watcher([offline])] {
        let now = Instant::now();
        assert_eq!((watcher.next(now), watcher.due(now)), (None, None));
        assert_eq!(watcher.verdict(now).outcome, Outcome::Alone);
    }
}

#[test]
fn everybody_is_asked_in_turn_and_never_more_than_the_limit_in_an_interval() {
    let busy = |number: usize| {
        let path = Path::Direct("203.0.113.1:41641".parse().unwrap());
        if number < 50 { Peer { path, ..peer(number) } } else { peer(number) }
    };
    let mut watcher = watcher((1..=200).map(busy));
    let start = Instant::now();
    // Half of the places go to traffic, so that the last of 200 waits for 50 rounds.
    let rounds = run(&mut watcher, start, 520 * SECOND, well);
    for (at, names) in &rounds {
        assert!(names.len() <= 8, "{names:?} at {:?}", at.duration_since(start));
    }
    assert!(rounds.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 10 * SECOND));
    let asked =
        |name: &str| rounds.iter().filter(|(_, names)| names.iter().any(|one| one == name)).count();
    for number in 1..=200 {
        assert!(asked(&peer(number).name) > 0, "{number} was never asked");
    }
    let busy: usize = (1..50).map(|number| asked(&peer(number).name)).sum();
    let idle: usize = (50..=200).map(|number| asked(&peer(number).name)).sum();
    assert!(busy * 151 > idle * 49, "{busy} of 49, {idle} of 151");
}

#[test]
fn news_is_asked_for_at_once_and_within_the_limit() {
    let mut watcher = watcher((1..=3).map(peer));
    let start = Instant::now();
    run(&mut watcher, start, SECOND, well);
    let later = start + 3 * SECOND;
    assert_eq!(watcher.next(later), Some(start + 10 * SECOND));
    watcher.follow(request((1..=4).map(peer).collect()));
    assert_eq!(watcher.next(later), Some(later));
    let round = watcher.due(later).unwrap();
    assert_eq!(round.request.peers, [peer(4)]);
    assert_eq!((watcher.next(later), watcher.due(later)), (None, None), "one round at a time");
    watcher.took_in(evidence(&round, well), later);
    // Four of the eight places are left.
    watcher.follow(request((1..=40).map(peer).collect()));
    assert_eq!(watcher.due(later).unwrap().request.peers.len(), 4);
    watcher.failed();
    assert_eq!(watcher.next(later), Some(start + 10 * SECOND));
}

#[test]
fn peers_that_come_and_go_leave_nothing_behind() {
    let mut watcher = watcher([]);
    let start = Instant::now();
    for second in 0..60 {
        let now = start + second * SECOND;
        let first = usize::try_from(second).unwrap() * 200;
        let came = (first..first + 200)
            .map(|number| Peer { id: NodeId::new(number.to_string()), ..peer(number % 200 + 1) });
        watcher.follow(request(came.collect()));
        run(&mut watcher, now, SECOND / 2, well);
        assert_eq!(watcher.peers.len(), 200);
    }
    watcher.follow(request(vec![]));
    assert!(watcher.peers.is_empty());
    assert_eq!(watcher.next(start), None);
}

#[test]
fn nothing_is_known_before_the_first_answer_and_after_a_failure() {
    let mut watcher = watcher([peer(1)]);
    let now = Instant::now();
    assert_eq!(watcher.verdict(now).outcome, Outcome::Unknown);
    run(&mut watcher, now, SECOND, well);
    assert_eq!(watcher.verdict(now).outcome, Outcome::Proven);
    watcher.due(now + 10 * SECOND).unwrap();
    watcher.failed();
    assert_eq!(watcher.verdict(now).outcome, Outcome::Unknown);
}

#[test]
fn a_stranger_stays_one_when_it_falls_silent() {
    let mut watcher = watcher([peer(1), peer(2)]);
    let start = Instant::now();
    let foreign = |one: &Peer| if one.name == "node-001" { Answer::Foreign } else { well(one) };
    let silent = |one: &Peer| if one.name == "node-001" { Answer::Silence } else { well(one) };
    run(&mut watcher, start, SECOND, foreign);
    run(&mut watcher, start + 10 * SECOND, 60 * SECOND, silent);
    let verdict = watcher.verdict(start + 70 * SECOND);
    let kin: Vec<_> = verdict.peers.iter().map(|peer| peer.kin).collect();
    assert_eq!((kin, codes(&verdict)), (vec![Kin::Foreign, Kin::Ours], vec![]));
}

#[test]
fn kin_that_moves_to_another_cluster_is_a_stranger() {
    let mut watcher = watcher([peer(1)]);
    let start = Instant::now();
    run(&mut watcher, start, SECOND, well);
    run(&mut watcher, start + 10 * SECOND, SECOND, |_| Answer::Foreign);
    let verdict = watcher.verdict(start + 11 * SECOND);
    assert_eq!((verdict.peers[0].kin, verdict.outcome), (Kin::Foreign, Outcome::Alone));
}

#[test]
fn loss_is_counted_once_a_packet_was_lost_and_told() {
    let mut watcher = watcher([peer(1)]);
    let start = Instant::now();
    let round = watcher.due(start).unwrap();
    assert!(round.counted.is_empty());
    watcher.took_in(evidence(&round, |_| Answer::Lossy), start);
    let round = watcher.due(start + 10 * SECOND).unwrap();
    assert_eq!(round.counted.len(), 1);
    watcher.took_in(evidence(&round, |_| Answer::Lossy), start + 10 * SECOND);
    let verdict = watcher.verdict(start + 10 * SECOND);
    assert_eq!((codes(&verdict), verdict.outcome), (vec!["loss-high"], Outcome::Proven));
    assert!(
        verdict.findings[0].what.contains("some 10 % of the packets"),
        "{}",
        verdict.findings[0].what
    );
    let quality = verdict.peers[0].crossings[0].quality.clone().unwrap();
    assert_eq!((quality.asked, quality.lost), (20, 2));
}

#[test]
fn a_long_way_is_told_with_the_relay_that_makes_it_long() {
    let relayed = Peer { path: Path::Relayed("fra".into()), ..peer(1) };
    let mut watcher = watcher([relayed]);
    let start = Instant::now();
    run(&mut watcher, start, 30 * SECOND, |_| Answer::Kin(412 * MILLISECOND));
    let verdict = watcher.verdict(start + 30 * SECOND);
    assert_eq!(codes(&verdict), ["latency-high"]);
    let finding = &verdict.findings[0];
    assert!(finding.what.contains("412 ms") && finding.what.contains("300 ms"), "{finding:?}");
    assert!(finding.fix.as_ref().unwrap().contains("relay fra"), "{finding:?}");
}

#[test]
fn who_answered_and_is_offline_is_down() {
    let mut watcher = watcher([peer(1), peer(2)]);
    let now = Instant::now();
    run(&mut watcher, now, SECOND, |one| {
        if one.name == "node-002" { Answer::Silence } else { well(one) }
    });
    let gone = |number| Peer { online: false, removal: Some("rm it".into()), ..peer(number) };
    watcher.follow(request(vec![gone(1), gone(2)]));
    let verdict = watcher.verdict(now);
    assert_eq!(codes(&verdict), ["nobody-online", "peer-down"]);
    let finding = &verdict.findings[1];
    assert!(finding.what.contains("node-001"), "{finding:?}");
    assert!(finding.fix.as_ref().unwrap().contains("rm it"), "{finding:?}");
}

#[test]
fn silence_is_looked_at_closely_at_growing_intervals_and_what_was_found_holds() {
    let mut watcher = watcher([peer(1)]);
    let start = Instant::now();
    let mut looks = Vec::new();
    let gateway = Echoed::Reply { rtt: MILLISECOND };
    let trouble = Trouble { gateway, ..nothing_comes_back() };
    for round_number in 0..60 {
        let now = start + round_number * 10 * SECOND;
        let round = watcher.due(now).unwrap();
        let mut evidence = evidence(&round, |_| Answer::Silence);
        if !round.closer.is_empty() {
            looks.push(round_number * 10);
            evidence.peers[0].canaries[0].trouble = Some(trouble.clone());
        }
        watcher.took_in(evidence, now);
        assert_eq!(codes(&watcher.verdict(now)), ["forwarding-off-at-peer"]);
    }
    assert_eq!(looks, [0, 10, 30, 70, 150, 310]);
    watcher.hurry();
    let now = start + 600 * SECOND;
    assert_eq!(watcher.due(now).unwrap().closer.len(), 1);
}

#[test]
fn a_peer_that_is_heard_while_it_is_silent_is_cut_off_in_one_direction() {
    let heard = Heard::default();
    let mut watcher = Watcher::new(Limits::default(), request(vec![peer(1)]), heard.clone());
    let start = Instant::now();
    run(&mut watcher, start, SECOND, well);
    let canary = "10.42.1.2".parse().unwrap();
    let silence = Trouble { node: Some(Echoed::Silence), ..nothing_comes_back() };
    let mut codes_at = |seconds: u32, trouble: Option<&Trouble>| {
        let now = start + seconds * SECOND;
        let round = watcher.due(now).unwrap();
        let mut evidence = evidence(&round, |_| Answer::Silence);
        evidence.peers[0].canaries[0].trouble = trouble.cloned();
        watcher.took_in(evidence, now);
        codes(&watcher.verdict(now)).join(" ")
    };
    // Its last question came before it fell silent.
    heard.hear(canary, start + 9 * SECOND);
    assert_eq!(codes_at(10, Some(&silence)), "peer-silent");
    heard.hear(canary, start + 12 * SECOND);
    assert_eq!(codes_at(20, None), "one-direction");
}

#[test]
fn another_pod_cidr_of_our_own_makes_all_answers_void() {
    let mut watcher = watcher([peer(1)]);
    let now = Instant::now();
    run(&mut watcher, now, SECOND, well);
    let moved =
        Request { pod_cidrs: vec!["10.42.99.0/24".parse().unwrap()], ..request(vec![peer(1)]) };
    watcher.follow(moved);
    assert_eq!(watcher.verdict(now).outcome, Outcome::Unknown);
}
