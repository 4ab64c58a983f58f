//! The packet filter that the control server pushes to this node.
//!
//! The server pushes it as soon as something changes, unlike the node's view of its own
//! routes, and trims it: a destination stays only where it touches an address or an approved
//! route of this very node (headscale 0.29.2, `hscontrol/policy/policyutil/reduce.go:20`).

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use serde::Deserialize;

/// `*` as a source arrives as all addresses that the server hands out, which leave out
/// 100.115.92.0/23, and every approved route.
const FIRST_OF_EVERYBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0));
const LAST_BEFORE_THE_HOLE: IpAddr = IpAddr::V4(Ipv4Addr::new(100, 115, 91, 255));

/// The rules, as `POST debug-packet-filter-rules` answers them: `null` where nothing passes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Option<Vec<RawRule>>")]
pub struct PacketFilter(Vec<Rule>);

/// What the filter tells of one advertised prefix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hint {
    /// Whether the route is approved; none where the filter does not tell.
    pub(super) approved: Option<bool>,
    /// Whether policy lets anybody use the route, once it is approved. False is no proof of
    /// the contrary.
    pub(super) visible: bool,
    /// Whether some rule has the prefix as a destination.
    pub(super) reachable: bool,
}

/// What else a destination could have been kept for.
pub(super) struct Own<'a> {
    /// This node's addresses in the network.
    pub(super) addresses: &'a [IpAddr],
    /// The prefixes that it advertises.
    pub(super) advertised: &'a [IpNet],
    /// Whether another node serves a route that overlaps the prefix.
    pub(super) shared: bool,
}

impl PacketFilter {
    pub(super) fn hint(&self, prefix: IpNet, own: &Own<'_>) -> Hint {
        let rules = &self.0;
        let destination = rules.iter().any(|rule| rule.kept_for(prefix, own));
        Hint {
            approved: if destination { Some(true) } else { self.approved_as_source(prefix, own) },
            // A rule is here because it lets something in to this node, and a route as its source
            // makes the route visible (`hscontrol/types/node.go:434`).
            visible: destination || rules.iter().any(|rule| rule.covers_source(prefix)),
            reachable: rules.iter().any(|rule| rule.covers_destination(prefix)),
        }
    }

    /// Under `*` the sources list every approved route, this node's and the others'.
    fn approved_as_source(&self, prefix: IpNet, own: &Own<'_>) -> Option<bool> {
        let rule = self.0.iter().find(|rule| rule.is_for_everybody())?;
        let listed = rule.covers_source(prefix);
        (!(listed && own.shared)).then_some(listed)
    }
}

impl From<Option<Vec<RawRule>>> for PacketFilter {
    fn from(rules: Option<Vec<RawRule>>) -> Self {
        let rules = rules.unwrap_or_default().into_iter().map(Rule::from);
        // A rule without destinations grants capabilities, no traffic.
        PacketFilter(rules.filter(|rule| !rule.destinations.is_empty()).collect())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    sources: Vec<Span>,
    destinations: Vec<Span>,
}

impl Rule {
    fn covers_source(&self, prefix: IpNet) -> bool {
        self.sources.iter().any(|span| span.covers(prefix))
    }

    fn covers_destination(&self, prefix: IpNet) -> bool {
        self.destinations.iter().any(|span| span.covers(prefix))
    }

    fn is_for_everybody(&self) -> bool {
        self.sources.contains(&Span::Between(FIRST_OF_EVERYBODY, LAST_BEFORE_THE_HOLE))
    }

    /// Whether a destination is here for this prefix and could be here for nothing else.
    fn kept_for(&self, prefix: IpNet, own: &Own<'_>) -> bool {
        self.destinations.iter().any(|span| {
            span.covers(prefix)
                && !own.addresses.iter().any(|address| span.touches((*address).into()))
                && !own.advertised.iter().any(|other| *other != prefix && span.touches(*other))
        })
    }
}

impl From<RawRule> for Rule {
    fn from(raw: RawRule) -> Self {
        let destinations = raw.destinations.unwrap_or_default();
        Rule {
            sources: raw.sources.unwrap_or_default().iter().map(|text| Span::read(text)).collect(),
            destinations: destinations.iter().map(|to| Span::read(&to.address)).collect(),
        }
    }
}

/// A run of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    All,
    Between(IpAddr, IpAddr),
    /// Something that names no addresses, such as `cap:...`.
    None,
}

impl Span {
    /// Reads an address, a CIDR, a range or `*`: `tailcfg/tailcfg.go:1716`.
    fn read(text: &str) -> Self {
        if text == "*" {
            return Span::All;
        }
        if let Ok(prefix) = text.parse::<IpNet>() {
            return Span::Between(prefix.network(), prefix.broadcast());
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) => Span::Between(first, last),
            _ => Span::None,
        }
    }

    fn covers(self, prefix: IpNet) -> bool {
        match self {
            Span::All => true,
            Span::Between(first, last) => {
                same_family(first, prefix)
                    && first <= prefix.network()
                    && prefix.broadcast() <= last
            }
            Span::None => false,
        }
    }

    fn touches(self, prefix: IpNet) -> bool {
        match self {
            Span::All => true,
            Span::Between(first, last) => {
                same_family(first, prefix)
                    && first <= prefix.broadcast()
                    && prefix.network() <= last
            }
            Span::None => false,
        }
    }
}

fn same_family(address: IpAddr, prefix: IpNet) -> bool {
    address.is_ipv4() == prefix.addr().is_ipv4()
}

#[derive(Deserialize)]
struct RawRule {
    #[serde(rename = "SrcIPs")]
    sources: Option<Vec<String>>,
    #[serde(rename = "DstPorts")]
    destinations: Option<Vec<RawDestination>>,
}

#[derive(Deserialize)]
struct RawDestination {
    #[serde(rename = "IP")]
    address: String,
}
