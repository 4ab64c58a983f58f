//! The table of what was seen with tailscaled 1.102.3 and headscale 0.29.2, row by row.

use super::Freshness::{Fresh, Stale};
use super::*;
use provider_api::RouteStage::{Advertised, Hidden, Served, Standby, Unapproved, Withheld};
use serde_json::{Value, json};

const OWN: &str = "10.42.0.0/24";
const NODES: &str = "100.64.0.0/10";
const PODS: &str = "10.42.0.0/16";

/// The wildcard `*` as headscale writes it, without the approved routes.
const EVERYBODY: [&str; 3] =
    ["100.64.0.0-100.115.91.255", "100.115.94.0-100.127.255.255", "fd7a:115c:a1e0::/48"];

fn prefix(text: &str) -> IpNet {
    text.parse().expect(text)
}

fn prefixes(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| prefix(text)).collect()
}

fn rule(from: &[&str], to: &[&str]) -> Value {
    let ports = json!({"First": 0, "Last": 65535});
    let to: Vec<Value> = to.iter().map(|ip| json!({"IP": ip, "Ports": ports})).collect();
    json!({"SrcIPs": from, "DstPorts": to})
}

fn filter(rules: Value) -> PacketFilter {
    serde_json::from_value(rules).expect("a packet filter")
}

/// `* -> *:*`, with these routes approved in the tailnet.
fn allow_all(approved: &[&str]) -> PacketFilter {
    filter(json!([rule(&[&EVERYBODY[..], approved].concat(), &["*"])]))
}

struct Node {
    advertised: Vec<IpNet>,
    addresses: Vec<IpAddr>,
    listed: Vec<IpNet>,
    freshness: Freshness,
    filter: Option<PacketFilter>,
    peers: Vec<PeerRoutes>,
    control: Option<ControlRoutes>,
}

impl Node {
    /// A node that advertises [`OWN`] and knows nothing more.
    fn new() -> Self {
        Node {
            advertised: prefixes(&[OWN]),
            addresses: vec!["100.64.0.1".parse().expect("an address")],
            listed: Vec::new(),
            freshness: Stale,
            filter: None,
            peers: Vec::new(),
            control: None,
        }
    }

    fn filter(self, filter: PacketFilter) -> Self {
        Node { filter: Some(filter), ..self }
    }

    fn entry(self, freshness: Freshness, listed: &[&str]) -> Self {
        Node { freshness, listed: prefixes(listed), ..self }
    }

    fn peer(self, primary: &[&str]) -> Self {
        let peer =
            PeerRoutes { id: NodeId::new("2"), name: "b".into(), primary: prefixes(primary) };
        Node { peers: vec![peer], ..self }
    }

    fn control(self, approved: &[&str], served: Option<&[&str]>) -> Self {
        let control = ControlRoutes {
            advertised: self.advertised.clone(),
            approved: prefixes(approved),
            served: served.map(prefixes),
        };
        Node { control: Some(control), ..self }
    }

    fn view(&self) -> RouteView<'_> {
        RouteView {
            advertised: &self.advertised,
            addresses: &self.addresses,
            own: OwnEntry {
                allowed: &self.listed,
                primary: &self.listed,
                freshness: self.freshness,
            },
            filter: self.filter.as_ref(),
            peers: &self.peers,
            control: self.control.as_ref(),
        }
    }

    fn stage(&self) -> RouteStage {
        self.view().verdicts()[0].stage
    }
}

/// One policy of the table: the filter while approved, and while not.
struct Row {
    policy: &'static str,
    approved: PacketFilter,
    unapproved: PacketFilter,
    /// Whether peers see the route once it is approved.
    seen: bool,
}

fn table() -> Vec<Row> {
    let one = |from: &[&str], to: &[&str]| filter(json!([rule(from, to)]));
    let none = || filter(Value::Null);
    let nodes_only = || one(&[NODES], &[NODES]);
    let own_addresses = || one(&["100.64.0.1-100.64.0.3"], &["100.64.0.1"]);
    vec![
        Row {
            policy: "* -> *:*",
            approved: allow_all(&[OWN]),
            unapproved: allow_all(&[]),
            seen: true,
        },
        Row { policy: "N -> N", approved: nodes_only(), unapproved: nodes_only(), seen: false },
        Row {
            policy: "user@ -> user@:*",
            approved: own_addresses(),
            unapproved: own_addresses(),
            seen: false,
        },
        Row {
            policy: "N -> N+P",
            approved: one(&[NODES], &[NODES, PODS]),
            unapproved: nodes_only(),
            seen: true,
        },
        Row {
            policy: "N+P -> N",
            approved: one(&[NODES, PODS], &[NODES]),
            unapproved: one(&[NODES, PODS], &[NODES]),
            seen: true,
        },
        Row { policy: "P -> P", approved: one(&[PODS], &[PODS]), unapproved: none(), seen: true },
        Row {
            policy: "N+P -> N+P",
            approved: one(&[NODES, PODS], &[NODES, PODS]),
            unapproved: one(&[NODES, PODS], &[NODES]),
            seen: true,
        },
        Row { policy: "acls: []", approved: none(), unapproved: none(), seen: false },
    ]
}

#[test]
fn with_a_fresh_entry_every_row_is_told() {
    for row in table() {
        let listed: &[&str] = if row.seen { &[OWN] } else { &[] };
        let approved = Node::new().filter(row.approved).entry(Fresh, listed);
        assert_eq!(approved.stage(), if row.seen { Served } else { Withheld }, "{}", row.policy);
    }
}

#[test]
fn a_missing_approval_is_told_where_the_policy_knows_the_pods() {
    let stages = table()
        .into_iter()
        .map(|row| (row.policy, Node::new().filter(row.unapproved).entry(Fresh, &[]).stage()));
    let expected = [
        ("* -> *:*", Unapproved),
        ("N -> N", Withheld),
        ("user@ -> user@:*", Withheld),
        ("N -> N+P", Withheld),
        ("N+P -> N", Unapproved),
        ("P -> P", Withheld),
        ("N+P -> N+P", Unapproved),
        ("acls: []", Withheld),
    ];
    assert!(stages.eq(expected));
}

#[test]
fn a_route_advertised_later_shows_in_the_filter_though_the_entry_is_stale() {
    let stages =
        table().into_iter().map(|row| (row.policy, Node::new().filter(row.approved).stage()));
    let expected = [
        ("* -> *:*", Served),
        ("N -> N", Withheld),
        ("user@ -> user@:*", Withheld),
        ("N -> N+P", Served),
        ("N+P -> N", Advertised),
        ("P -> P", Served),
        ("N+P -> N+P", Served),
        ("acls: []", Withheld),
    ];
    assert!(stages.eq(expected));
}

#[test]
fn a_route_that_lost_its_approval_is_told_from_the_filter_not_from_the_stale_entry() {
    let stages = table()
        .into_iter()
        .map(|row| (row.policy, Node::new().filter(row.unapproved).entry(Stale, &[OWN]).stage()));
    let expected = [
        ("* -> *:*", Unapproved),
        ("N -> N", Withheld),
        ("user@ -> user@:*", Withheld),
        ("N -> N+P", Withheld),
        ("N+P -> N", Advertised),
        ("P -> P", Withheld),
        ("N+P -> N+P", Advertised),
        ("acls: []", Withheld),
    ];
    assert!(stages.eq(expected));
}

/// Without any policy the filter is `* -> *`, word for word, whatever is approved.
#[test]
fn without_a_policy_only_the_entry_tells() {
    let open = || Node::new().filter(filter(json!([rule(&["*"], &["*"])])));
    assert_eq!(open().entry(Fresh, &[OWN]).stage(), Served);
    assert_eq!(open().entry(Fresh, &[]).stage(), Unapproved);
    assert_eq!(open().entry(Stale, &[OWN]).stage(), Served);
    assert_eq!(open().entry(Stale, &[]).stage(), Advertised);
}

#[test]
fn without_permission_to_read_the_filter_only_the_entry_tells() {
    assert_eq!(Node::new().entry(Fresh, &[OWN]).stage(), Served);
    assert_eq!(Node::new().entry(Fresh, &[]).stage(), Withheld);
    assert_eq!(Node::new().entry(Stale, &[OWN]).stage(), Served);
    assert_eq!(Node::new().stage(), Advertised);
}

#[test]
fn the_servers_api_settles_approval() {
    let hidden = || table().remove(1).approved;
    let node = || Node::new().filter(hidden());
    assert_eq!(node().control(&[], Some(&[])).stage(), Unapproved);
    assert_eq!(node().control(&[OWN], Some(&[OWN])).entry(Fresh, &[]).stage(), Hidden);
    assert_eq!(node().control(&[OWN], Some(&[OWN])).stage(), Withheld);
    assert_eq!(node().control(&[OWN], Some(&[])).stage(), Standby);
    assert_eq!(node().control(&[OWN], None).entry(Fresh, &[]).stage(), Hidden);
    assert_eq!(Node::new().control(&[OWN], None).entry(Fresh, &[OWN]).stage(), Served);
}

#[test]
fn a_route_that_the_server_has_not_heard_of_is_only_advertised() {
    let mut node = Node::new().control(&[OWN], Some(&[OWN]));
    node.control.as_mut().expect("an answer").advertised.clear();
    assert_eq!(node.stage(), Advertised);
}

#[test]
fn a_route_that_a_peer_serves_is_on_standby() {
    let node = Node::new().filter(allow_all(&[OWN])).peer(&[OWN]);
    assert_eq!(node.stage(), Standby);
    assert!(node.view().verdicts()[0].reason.ends_with(" b"));
    assert_eq!(Node::new().peer(&[OWN]).entry(Stale, &[OWN]).stage(), Standby);
    assert_eq!(Node::new().peer(&[OWN]).entry(Fresh, &[OWN]).stage(), Served);
}

/// Under allow-all a peer's approved supernet covers ours in the sources.
#[test]
fn a_peers_supernet_is_not_taken_for_our_approval() {
    let node = || Node::new().filter(allow_all(&["10.0.0.0/8"]));
    assert_eq!(node().peer(&["10.0.0.0/8"]).stage(), Advertised);
    assert_eq!(node().peer(&["10.0.0.0/8"]).entry(Fresh, &[]).stage(), Unapproved);
}

/// A destination stays for any approved route of the node, such as the admin's own.
#[test]
fn a_destination_kept_for_another_route_is_no_approval() {
    let wide = filter(json!([rule(&[NODES], &["10.0.0.0/8"])]));
    let mut node = Node::new().filter(wide.clone());
    assert_eq!(node.stage(), Served);
    node.advertised.push(prefix("10.7.0.0/24"));
    assert_eq!(node.stage(), Withheld);

    let mut own_address = Node::new().filter(filter(json!([rule(&[NODES], &["0.0.0.0/0"])])));
    assert_eq!(own_address.stage(), Withheld);
    own_address.advertised.push(prefix("0.0.0.0/0"));
    assert_eq!(own_address.stage(), Withheld);
}

#[test]
fn the_families_are_told_apart() {
    let mut node = Node::new().filter(allow_all(&[OWN]));
    node.advertised = prefixes(&[OWN, "2001:cafe:42::/64"]);
    let stages: Vec<RouteStage> = node.view().verdicts().iter().map(|it| it.stage).collect();
    assert_eq!(stages, [Served, Unapproved]);
}

#[test]
fn a_filter_with_capabilities_and_strange_sources_is_read() {
    let grants = json!([
        {"SrcIPs": ["100.64.0.2"], "CapGrant": [{"Dsts": ["100.64.0.1/32"], "CapMap": {}}]},
        {"SrcIPs": ["cap:x", "100.64.0.9"], "DstPorts": [{"IP": PODS, "Ports": {"First": 80, "Last": 80}}],
         "IPProto": [6], "Later": true},
    ]);
    assert_eq!(Node::new().filter(filter(grants)).stage(), Served);
}
