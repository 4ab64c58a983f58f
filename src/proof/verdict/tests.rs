use super::*;
use crate::proof::evidence::{Counted, Here, Setting, Trouble};
use linux::Family;
use linux::icmp::{Outcome as Echoed, Reason};
use linux::nftables::{Chain, Dropped};

const REPLY: Echoed = Echoed::Reply { rtt: Duration::from_millis(3) };

fn at(address: &str) -> IpAddr {
    address.parse().unwrap()
}

fn here() -> Here {
    Here {
        between: Between::Pods,
        bridge: "moorline0".into(),
        interface: "vpn0".into(),
        mtu: 1280,
        not_forwarding: vec![],
        unserved: vec![],
        strict_reverse_path: false,
        drop_policies: Some(vec![]),
    }
}

fn nobody() -> Evidence {
    Evidence { here: here(), peers: vec![], offline: vec![], unasked: vec![] }
}

fn answered() -> CanaryEvidence {
    CanaryEvidence {
        source: at("10.42.1.2"),
        canary: at("10.42.2.2"),
        small: REPLY,
        full: Some(REPLY),
        largest: None,
        source_kept: None,
        word: None,
        tries: vec![],
        trouble: None,
    }
}

fn answered_ipv6() -> CanaryEvidence {
    let [source, canary] = ["2001:cafe:42:1::2", "2001:cafe:42:2::2"].map(at);
    CanaryEvidence { source, canary, ..answered() }
}

fn silent(trouble: Trouble) -> CanaryEvidence {
    CanaryEvidence { small: Echoed::Silence, full: None, trouble: Some(trouble), ..answered() }
}

/// The requests leave, and nothing comes back from anybody.
fn nothing_returns() -> Trouble {
    Trouble {
        gateway: Echoed::Silence,
        last_hop: Echoed::Silence,
        node: None,
        from_node: None,
        heard: false,
        way_out: Some("vpn0".into()),
        way_back: Some("moorline0".into()),
        counted: Some(sent()),
        dropped: vec![],
    }
}

fn sent() -> Counted {
    Counted { request_in: 6, request_out: 6, ..Counted::default() }
}

fn peer(name: &str, canaries: Vec<CanaryEvidence>) -> PeerEvidence {
    PeerEvidence { id: NodeId::new(name), name: name.into(), canaries }
}

fn of(here: Here, canary: CanaryEvidence) -> Evidence {
    Evidence { here, peers: vec![peer("b", vec![canary])], ..nobody() }
}

fn codes(verdict: &Verdict) -> Vec<&str> {
    verdict.findings.iter().map(|finding| finding.code.as_str()).collect()
}

fn drop_between(source: &str, destination: &str) -> Dropped {
    Dropped {
        source: at(source),
        destination: at(destination),
        chain: Chain { family: "ip".into(), table: "filter".into(), name: "FORWARD".into() },
        rule: None,
    }
}

type Row = (&'static str, &'static str, Evidence);

fn with(trouble: Trouble) -> Evidence {
    of(here(), silent(trouble))
}

fn counted(counted: Counted) -> Trouble {
    Trouble { counted: Some(counted), ..nothing_returns() }
}

/// Requests that got no further than this machine.
fn stuck() -> Counted {
    Counted { request_out: 0, ..sent() }
}

/// Answers that got no further than this machine.
fn returned() -> Counted {
    Counted { reply_in: 6, ..sent() }
}

/// Evidence of one silent canary, the cause that it comes to, and a word that must be said.
fn routing() -> Vec<Row> {
    let off = Setting { family: Family::Ipv4, key: "net.ipv4.ip_forward".into() };
    let forwarding_off = Here { not_forwarding: vec![off], ..here() };
    let why = "Network is unreachable".to_owned();
    let unsent = CanaryEvidence { small: Echoed::NotSent { why }, ..silent(nothing_returns()) };
    let no_route = Trouble { way_out: None, ..counted(stuck()) };
    let astray = Counted { request_astray: 6, ..stuck() };
    let wrong_way_out = Trouble { way_out: Some("eth0".into()), ..counted(astray) };
    let wrong_way_back = Trouble { way_back: Some("vpn0".into()), ..counted(returned()) };
    let handed_over = Counted { reply_out: 6, ..returned() };
    let strict = Here { strict_reverse_path: true, ..here() };
    let filtered = Trouble { way_out: Some("eth0".into()), ..counted(returned()) };
    let silent_there = silent(nothing_returns());
    vec![
        ("forwarding-off-here", "net.ipv4.ip_forward=1", of(forwarding_off, silent_there)),
        ("canary-cut-off", "Network is unreachable", of(here(), unsent)),
        ("canary-cut-off", "moorline0", with(counted(Counted::default()))),
        ("canary-cut-off", "moorline0", with(counted(handed_over))),
        ("route-missing", "10.42.2.2", with(no_route)),
        ("route-elsewhere", "eth0", with(wrong_way_out)),
        ("own-pods-elsewhere", "vpn0", with(wrong_way_back)),
        ("rp-filter-here", "net.ipv4.conf.vpn0.rp_filter=2", of(strict, silent(filtered))),
    ]
}

fn firewall() -> Vec<Row> {
    let chain = |family: &str, table: &str| Chain {
        family: family.into(),
        table: table.into(),
        name: "hooked".into(),
    };
    let policies = vec![chain("ip6", "six"), chain("inet", "fw")];
    let drops = Here { drop_policies: Some(policies), ..here() };
    let request = vec![drop_between("10.42.1.2", "10.42.2.2")];
    let reply = vec![drop_between("10.42.2.2", "10.42.1.2")];
    let request = Trouble { dropped: request, ..counted(stuck()) };
    let reply = Trouble { dropped: reply, ..counted(returned()) };
    vec![
        ("firewall-here", "table ip filter, chain FORWARD, by its policy", with(request)),
        ("firewall-here", "iptables -I FORWARD -i vpn0 -o moorline0 -j ACCEPT", with(reply)),
        ("firewall-here", "table inet fw, chain hooked", of(drops, silent(counted(stuck())))),
        ("lost-here", "answers", with(counted(returned()))),
    ]
}

/// What came of asking the peer itself, and whether it asks us.
fn node(node: Echoed, heard: bool) -> Trouble {
    let from_node = Some(Echoed::Silence);
    Trouble { node: Some(node), from_node, heard, ..nothing_returns() }
}

fn from_node() -> Trouble {
    Trouble { from_node: Some(REPLY), ..node(REPLY, true) }
}

fn beyond() -> Vec<Row> {
    let expired = Echoed::TimeExceeded { from: at("100.64.0.2") };
    let prohibited = Echoed::Unreachable { from: at("100.64.0.2"), reason: Reason::Prohibited };
    let refused = CanaryEvidence { small: prohibited, ..silent(nothing_returns()) };
    let gateway = Trouble { gateway: REPLY, ..nothing_returns() };
    let hop = Trouble { last_hop: expired.clone(), ..nothing_returns() };
    let both = Trouble { last_hop: expired, ..gateway.clone() };
    let unserved = Here { unserved: vec!["10.42.1.0/24".parse().unwrap()], ..here() };
    vec![
        ("forwarding-off-at-peer", "on b:", with(gateway)),
        ("firewall-at-peer", "on b:", with(both)),
        ("firewall-at-peer", "on b:", with(hop)),
        ("refused", "100.64.0.2", of(here(), refused)),
        ("one-direction", "nothing comes back", with(nothing_returns())),
        ("one-direction", "packets of b arrive here", with(node(Echoed::Silence, true))),
        ("peer-silent", "nor from itself", with(node(Echoed::Silence, false))),
        ("pods-refused", "nothing reaches its pods", with(node(REPLY, false))),
        ("pods-refused", "answer this node, and not its pods", with(from_node())),
        ("no-way-back", "10.42.1.0/24", of(unserved, silent(from_node()))),
        ("no-answer", "nftables", with(Trouble { counted: None, ..nothing_returns() })),
    ]
}

fn table() -> Vec<Row> {
    [routing(), firewall(), beyond()].concat()
}

#[test]
fn each_cause_is_told_by_its_evidence() {
    for (code, hint, evidence) in table() {
        let verdict = judge(&evidence);
        assert_eq!(verdict.outcome, Outcome::Unproven, "{code}");
        assert_eq!(codes(&verdict), [code], "{evidence:#?}");
        let finding = &verdict.findings[0];
        assert_eq!(finding.severity, Severity::Error, "{code}");
        let text = format!("{} {}", finding.what, finding.fix.as_deref().unwrap_or_default());
        assert!(text.contains(hint), "`{hint}` in `{text}`");
    }
}

#[test]
fn each_size_trouble_is_told() {
    let full = |full, largest| {
        let canary = CanaryEvidence { full: Some(full), largest, ..answered() };
        judge(&of(here(), canary))
    };
    let hole = full(Echoed::Silence, Some(1217));
    assert_eq!((hole.outcome, codes(&hole)), (Outcome::Unproven, vec!["mtu-hole"]));
    assert_eq!(hole.peers[0].crossings[0].largest, Some(1217));
    let narrow = full(Echoed::PacketTooBig { from: at("10.0.0.1"), mtu: 1200 }, None);
    assert_eq!((narrow.outcome, codes(&narrow)), (Outcome::Unproven, vec!["mtu-narrow"]));
    let own = full(Echoed::LocalTooBig, None);
    assert_eq!((own.outcome, codes(&own)), (Outcome::Unproven, vec!["mtu-here"]));
}

#[test]
fn one_peer_that_answers_proves_the_node() {
    let dead = peer("a", vec![silent(nothing_returns())]);
    let alive = peer("b", vec![answered(), answered_ipv6()]);
    let evidence = Evidence { peers: vec![alive, dead], offline: vec!["c".into()], ..nobody() };
    let verdict = judge(&evidence);
    assert_eq!(verdict.outcome, Outcome::Proven);
    assert_eq!(codes(&verdict), ["one-direction"]);
    assert_eq!(verdict.findings[0].severity, Severity::Warning);
    let names: Vec<_> = verdict.peers.iter().map(|peer| peer.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn each_family_that_both_have_must_cross() {
    let ipv6 = CanaryEvidence { small: Echoed::Silence, full: None, ..answered_ipv6() };
    let evidence = Evidence { peers: vec![peer("b", vec![answered(), ipv6])], ..nobody() };
    let verdict = judge(&evidence);
    assert_eq!(verdict.outcome, Outcome::Unproven);
    assert_eq!(codes(&verdict), ["no-answer"]);
    assert!(verdict.peers[0].crossings[0].crossed && !verdict.peers[0].crossings[1].crossed);
}

#[test]
fn a_peer_without_a_canary_is_never_good() {
    for reason in [Reason::NoSuchHost, Reason::NoRoute] {
        let nobody = CanaryEvidence {
            small: Echoed::Unreachable { from: at("100.64.0.2"), reason },
            ..silent(nothing_returns())
        };
        let verdict = judge(&of(here(), nobody));
        assert_eq!(verdict.outcome, Outcome::Unknown);
        assert_eq!(codes(&verdict), ["peer-without-canary"]);
    }
}

#[test]
fn a_node_alone_has_nothing_to_prove_and_says_so() {
    let alone = nobody();
    let verdict = judge(&alone);
    assert_eq!((verdict.outcome, codes(&verdict)), (Outcome::Alone, vec!["no-other-node"]));
    let verdict = judge(&Evidence { offline: vec!["b".into()], ..alone });
    assert_eq!((verdict.outcome, codes(&verdict)), (Outcome::Alone, vec!["nobody-online"]));
}

#[test]
fn peers_of_another_family_prove_nothing() {
    let verdict = judge(&Evidence { peers: vec![peer("b", vec![])], ..nobody() });
    assert_eq!(verdict.outcome, Outcome::Unknown);
    assert_eq!(codes(&verdict), ["no-common-family"]);
}

#[test]
fn the_same_cause_is_told_once() {
    let off = Setting { family: Family::Ipv4, key: "net.ipv4.ip_forward".into() };
    let here = Here { not_forwarding: vec![off], ..here() };
    let peers = ["a", "b", "c"].map(|name| peer(name, vec![silent(nothing_returns())])).into();
    assert_eq!(judge(&Evidence { here, peers, ..nobody() }).findings.len(), 1);
}

#[test]
fn a_verdict_survives_the_state_file() {
    for (_, _, evidence) in table() {
        let verdict = judge(&evidence);
        let text = serde_json::to_string(&verdict).unwrap();
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
        let text = serde_json::to_string(&evidence).unwrap();
        assert_eq!(serde_json::from_str::<Evidence>(&text).unwrap(), evidence);
    }
}

#[test]
fn between_nodes_no_word_is_said_of_pods_and_canaries() {
    let here = Here { between: Between::Nodes, ..here() };
    let verdict = judge(&of(here.clone(), answered()));
    assert_eq!((verdict.outcome, verdict.between), (Outcome::Proven, Between::Nodes));

    let from = at("100.64.0.2");
    let nobody = Echoed::Unreachable { from, reason: Reason::NoSuchHost };
    let nobody = CanaryEvidence { small: nobody, ..silent(nothing_returns()) };
    let dropped = vec![drop_between("10.42.2.2", "10.42.1.2")];
    let dropped = silent(Trouble { dropped, ..counted(returned()) });
    let rows = [("refused", nobody), ("one-direction", silent(nothing_returns()))];
    for (code, canary) in rows.into_iter().chain([("firewall-here", dropped)]) {
        let verdict = judge(&of(here.clone(), canary));
        assert_eq!((verdict.outcome, codes(&verdict)), (Outcome::Unproven, vec![code]));
        let finding = &verdict.findings[0];
        let fix = finding.fix.as_deref().unwrap_or_default();
        assert!(!finding.what.contains("pods") && !fix.contains("moorline0"), "{finding:?}");
    }
}

fn saying(word: Word) -> CanaryEvidence {
    CanaryEvidence { word: Some(word), ..answered() }
}

#[test]
fn a_stranger_proves_nothing_and_has_no_trouble_of_ours() {
    let stranger = CanaryEvidence { small: Echoed::Silence, full: None, ..saying(Word::Foreign) };
    for canaries in [vec![stranger.clone()], vec![answered_ipv6(), stranger]] {
        let verdict = judge(&Evidence { peers: vec![peer("b", canaries)], ..nobody() });
        assert_eq!((verdict.outcome, codes(&verdict)), (Outcome::Alone, vec!["no-other-node"]));
        assert_eq!(verdict.peers[0].kin, Kin::Foreign);
    }
}

#[test]
fn kin_is_who_holds_the_key() {
    let kin = |word| judge(&of(here(), saying(word))).peers[0].kin;
    let source = at("10.42.1.2");
    assert_eq!(kin(Word::Kin { node: "b".into(), source }), Kin::Ours);
    assert_eq!(kin(Word::Nobody), Kin::Unknown);
    assert_eq!(kin(Word::Silence), Kin::Unknown);
}

#[test]
fn a_masquerade_at_the_peer_is_told_with_what_it_saw() {
    let told = |source, source_kept| {
        let word = Word::Kin { node: "b".into(), source: at(source) };
        let verdict = judge(&of(here(), CanaryEvidence { source_kept, ..saying(word) }));
        assert_eq!(verdict.outcome, Outcome::Proven);
        verdict.findings
    };
    let findings = told("10.42.2.1", None);
    assert!(findings[0].code == "masqueraded-at-peer" && findings[0].what.contains("10.42.2.1"));
    assert_eq!(told("10.42.1.2", Some(true)), []);
    assert_eq!(told("100.64.0.1", Some(false)), [], "that is told with the own route");
}

#[test]
fn nobody_is_alone_while_somebody_is_still_to_be_asked() {
    let verdict = judge(&Evidence { unasked: vec!["b".into()], ..nobody() });
    assert_eq!((verdict.outcome, codes(&verdict)), (Outcome::Unknown, vec![]));
}
