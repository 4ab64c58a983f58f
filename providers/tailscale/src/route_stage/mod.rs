//! How far a route that this node advertises has come.
//!
//! No single source tells. The node's own entry is sent when the control connection opens and
//! is stale from then on; the packet filter is live but tells only where policy lets it; peers'
//! routes are live but say nothing of this node; the control server's API knows approval but
//! not what policy hides.

use std::net::IpAddr;

use ipnet::IpNet;
use provider_api::{NodeId, RouteStage};

mod findings;
mod packet_filter;

pub use findings::{Fixes, findings};
pub use packet_filter::PacketFilter;
use packet_filter::{Hint, Own};

/// All that is known about this node's routes.
#[derive(Debug, Clone, Copy)]
pub struct RouteView<'a> {
    /// The preferences' `AdvertiseRoutes`.
    pub advertised: &'a [IpNet],
    /// This node's addresses in the network.
    pub addresses: &'a [IpAddr],
    /// What the control server told the node about itself.
    pub own: OwnEntry<'a>,
    /// The packet filter; none where we may not read it.
    pub filter: Option<&'a PacketFilter>,
    /// Who else serves what.
    pub peers: &'a [PeerRoutes],
    /// What the control server's API answers; none where it is not asked.
    pub control: Option<&'a ControlRoutes>,
}

/// The node's own entry in what the control server sent.
#[derive(Debug, Clone, Copy)]
pub struct OwnEntry<'a> {
    /// `Self.AllowedIPs`.
    pub allowed: &'a [IpNet],
    /// `Self.PrimaryRoutes`.
    pub primary: &'a [IpNet],
    /// Whether it is younger than the last change that could show in it.
    pub freshness: Freshness,
}

/// How far the node's own entry can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It was sent after the last change of ours, just now.
    Fresh,
    /// Routes may have been approved or refused since.
    Stale,
}

/// The routes that a peer serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRoutes {
    /// The control server's id of it.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Its `PrimaryRoutes`.
    pub primary: Vec<IpNet>,
}

/// What the control server's API says of this node's routes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlRoutes {
    /// Those that it knows to be advertised.
    pub advertised: Vec<IpNet>,
    /// Those that are approved, advertised or not.
    pub approved: Vec<IpNet>,
    /// Those that it elected this node for; none where the server does not say.
    pub served: Option<Vec<IpNet>>,
}

/// How far a route has come, and how we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteVerdict {
    /// The route.
    pub prefix: IpNet,
    /// How far it has come.
    pub stage: RouteStage,
    /// How we know, in words that fit one route and several. No full stop.
    pub reason: String,
}

impl RouteView<'_> {
    /// The verdict on each prefix that this node advertises.
    pub fn verdicts(&self) -> Vec<RouteVerdict> {
        self.advertised.iter().map(|prefix| self.verdict(*prefix)).collect()
    }

    fn verdict(&self, prefix: IpNet) -> RouteVerdict {
        let (stage, reason) = self.judge(prefix);
        RouteVerdict { prefix, stage, reason }
    }

    fn judge(&self, prefix: IpNet) -> (RouteStage, String) {
        self.refused(prefix)
            .or_else(|| self.elsewhere(prefix))
            .unwrap_or_else(|| self.own_standing(prefix))
    }

    /// Not approved for certain, or not even known to the control server yet.
    fn refused(&self, prefix: IpNet) -> Option<(RouteStage, String)> {
        if self.control.is_some_and(|control| !control.advertised.contains(&prefix)) {
            let reason = "the control server has not heard so yet";
            return Some((RouteStage::Advertised, reason.to_owned()));
        }
        let source =
            if self.control.is_some() { "the control server" } else { "the packet filter" };
        (self.approved(prefix) == Some(false))
            .then(|| (RouteStage::Unapproved, format!("{source} says so")))
    }

    /// Another node serves it.
    fn elsewhere(&self, prefix: IpNet) -> Option<(RouteStage, String)> {
        let mine = self.own.primary.contains(&prefix) && self.own.freshness == Freshness::Fresh;
        let server = self.peers.iter().find(|peer| peer.primary.contains(&prefix));
        if let (Some(peer), false) = (server, mine) {
            return Some((RouteStage::Standby, format!("served by {}", peer.name)));
        }
        let served = self.control?.served.as_ref()?;
        (!served.contains(&prefix)).then(|| {
            let reason = "the control server elected the other node";
            (RouteStage::Standby, reason.to_owned())
        })
    }

    fn own_standing(&self, prefix: IpNet) -> (RouteStage, String) {
        let listed = self.own.allowed.contains(&prefix) || self.own.primary.contains(&prefix);
        let approved = self.approved(prefix) == Some(true);
        let hint = self.hint(prefix);
        let (stage, reason) = if approved && hint.visible {
            (RouteStage::Served, "approved, and allowed by policy")
        } else if self.own.freshness == Freshness::Fresh {
            judge_fresh(listed, approved, hint.visible)
        } else {
            judge_stale(listed, approved, hint, self.filter.is_some())
        };
        (stage, reason.to_owned())
    }

    fn approved(&self, prefix: IpNet) -> Option<bool> {
        match self.control {
            Some(control) => Some(control.approved.contains(&prefix)),
            None => self.hint(prefix).approved,
        }
    }

    fn hint(&self, prefix: IpNet) -> Hint {
        let mut routes = self.peers.iter().flat_map(|peer| &peer.primary);
        let shared = routes.any(|route| overlap(*route, prefix));
        let own = Own { addresses: self.addresses, advertised: self.advertised, shared };
        self.filter.map(|filter| filter.hint(prefix, &own)).unwrap_or_default()
    }
}

fn overlap(one: IpNet, other: IpNet) -> bool {
    one.contains(&other) || other.contains(&one)
}

/// The own entry lists a route that is approved, elected and visible, and no other
/// (headscale 0.29.2, `hscontrol/mapper/builder.go:83`).
fn judge_fresh(listed: bool, approved: bool, visible: bool) -> (RouteStage, &'static str) {
    match (listed, approved, visible) {
        (true, _, _) => (RouteStage::Served, "listed by the control server as this node's own"),
        (false, true, _) => (
            RouteStage::Hidden,
            "approved, and missing from what the control server tells this node",
        ),
        (false, false, true) => (
            RouteStage::Unapproved,
            "policy allows the traffic, so only the approval can be missing",
        ),
        (false, false, false) => {
            (RouteStage::Withheld, "either not approved, or hidden by policy from everybody")
        }
    }
}

fn judge_stale(
    listed: bool,
    approved: bool,
    hint: Hint,
    filter_known: bool,
) -> (RouteStage, &'static str) {
    if listed && (hint.reachable || !filter_known) {
        (RouteStage::Served, "listed by the control server as this node's own when it last told")
    } else if approved {
        (RouteStage::Withheld, "approved, and perhaps hidden by policy")
    } else if hint.visible || !filter_known {
        (RouteStage::Advertised, "nothing was heard from the control server since")
    } else {
        (RouteStage::Withheld, "not mentioned in the packet filter")
    }
}

#[cfg(test)]
mod tests;
