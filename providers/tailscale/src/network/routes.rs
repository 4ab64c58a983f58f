//! The routes to peers that tailscaled has written into its table, and those that are gone
//! from it: it does not look after them (seen with 1.102.3). Pure, but for the reading.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use linux::Netlink;
use linux::link::Link;
use provider_api::{Finding, Result, Severity};
use tokio::time::{Instant, sleep};

use super::Tailscale;
use super::interface::{carrying, kernel};
use crate::client::{PeerStatus, Status};
use crate::prefs::Prefs;

/// tailscaled's routing table (`wgengine/router/osrouter/router_linux.go`).
pub(super) const TABLE: u32 = 52;

/// What tailscaled writes there for all IPv6 addresses at once, and for its own service
/// in both families (`net/tsaddr/tsaddr.go`).
const ALL_IPV6: &str = "fd7a:115c:a1e0::/48";
const SERVICE: &str = "100.100.100.100/32";
const SERVICE_IPV6: &str = "fd7a:115c:a1e0::53/128";

/// How many routes a finding names.
const SHOWN: usize = 4;

/// How long a route may be on its way into the kernel after a status shows it.
pub(super) const UNDER_WAY: Duration = Duration::from_millis(200);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What packets to peers need in tailscaled's table, and do not find there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Gone {
    /// What peers serve.
    pub(super) served: Vec<IpNet>,
    /// Peers' own addresses.
    pub(super) addresses: Vec<IpAddr>,
}

impl Gone {
    pub(super) fn is_empty(&self) -> bool {
        self.served.is_empty() && self.addresses.is_empty()
    }

    /// Judges this table, by what its routes through the interface lead to. A family of which
    /// the interface has no address has no routes either.
    fn new(status: &Status, prefs: &Prefs, link: &Link, table: &[IpNet]) -> Gone {
        let peers = || status.peer.iter().flat_map(|peers| peers.values());
        let is_carried = |address: IpAddr| {
            let own = status.addresses();
            own.iter().any(|own| own.is_ipv4() == address.is_ipv4() && link.has_address(*own))
        };
        let mut served: Vec<IpNet> = match prefs.is_on("RouteAll") {
            true => peers().flat_map(PeerStatus::routes).collect(),
            false => Vec::new(),
        };
        served.retain(|net| is_carried(net.addr()) && !table.contains(net));
        // Of IPv6 addresses there is one route for all of them.
        let leads_to = |address: &IpAddr| {
            table.iter().any(|net| net.prefix_len() > 0 && net.contains(address))
        };
        let mut addresses: Vec<IpAddr> = peers().flat_map(PeerStatus::addresses).collect();
        addresses.retain(|address| is_carried(*address) && !leads_to(address));
        Gone { served, addresses }
    }

    /// The routes that are to be written so that nothing is gone.
    pub(super) fn routes(&self) -> Vec<IpNet> {
        let all_ipv6: Option<IpNet> = ALL_IPV6.parse().ok();
        let of = |address: &IpAddr| match all_ipv6.filter(|all| all.contains(address)) {
            Some(all) => all,
            None => IpNet::from(*address),
        };
        let mut routes: Vec<IpNet> = self.addresses.iter().map(of).collect();
        if self.addresses.iter().any(IpAddr::is_ipv4) {
            routes.extend(SERVICE.parse::<IpNet>());
        }
        if self.addresses.iter().any(IpAddr::is_ipv6) {
            routes.extend(SERVICE_IPV6.parse::<IpNet>());
        }
        routes.extend(&self.served);
        routes.sort();
        routes.dedup();
        routes
    }

    /// What is so, and what brings the routes back.
    pub(super) fn finding(&self) -> Option<Finding> {
        let mut names: Vec<String> = self.served.iter().map(ToString::to_string).collect();
        names.extend(self.addresses.iter().map(ToString::to_string));
        if names.len() > SHOWN {
            let more = names.len() - SHOWN;
            names.truncate(SHOWN);
            names.push(format!("{more} more"));
        }
        let what = format!("tailscaled's routing table {TABLE} has lost {}", names.join(", "));
        let why = "nothing that this node sends there arrives; tailscaled does not see it";
        let finding =
            Finding::new(Severity::Error, "peer-routes-gone", what, why).fix("moorline up");
        (!self.is_empty()).then_some(finding)
    }
}

impl Tailscale {
    /// Looks until no route to a peer is gone; at the latest returns what is gone then.
    pub(super) async fn gone_within(&self, patience: Duration) -> Result<Gone> {
        let deadline = Instant::now() + patience;
        loop {
            let (status, prefs) = tokio::try_join!(self.api.status(), self.api.prefs())?;
            let gone = match carrying(&status.addresses()).await? {
                Some(link) => gone(&status, &prefs, &link).await?,
                None => Gone::default(),
            };
            if gone.is_empty() || Instant::now() >= deadline {
                return Ok(gone);
            }
            sleep(LOOK_AGAIN).await;
        }
    }
}

/// What is gone now.
pub(super) async fn gone(status: &Status, prefs: &Prefs, link: &Link) -> Result<Gone> {
    let routes = Netlink::open().map_err(kernel)?.routes_of(TABLE).await.map_err(kernel)?;
    let through = routes.into_iter().filter(|it| it.interface.as_ref() == Some(&link.name));
    let table: Vec<IpNet> = through.map(|route| route.destination).collect();
    Ok(Gone::new(status, prefs, link, &table))
}

#[cfg(test)]
mod tests {
    use super::super::interface::tests::link;
    use super::*;
    use serde_json::json;

    fn gone(own: &[&str], route_all: bool, table: &[&str]) -> Gone {
        let status = serde_json::from_value(json!({
            "Self": {"TailscaleIPs": ["100.64.0.1", "fd7a:115c:a1e0::1"]},
            "Peer": {"nodekey:2": {
                "TailscaleIPs": ["100.64.0.2", "fd7a:115c:a1e0::2"],
                "AllowedIPs": ["100.64.0.2/32", "fd7a:115c:a1e0::2/128", "10.42.2.0/24",
                               "0.0.0.0/0"],
            }},
        }));
        let prefs = Prefs::default().with("RouteAll", json!(route_all));
        let table: Vec<IpNet> = table.iter().map(|net| net.parse().unwrap()).collect();
        Gone::new(&status.unwrap(), &prefs, &link("tailscale0", own), &table)
    }

    const OWN: [&str; 2] = ["100.64.0.1/32", "fd7a:115c:a1e0::1/128"];
    const ALL: [&str; 3] = ["100.64.0.2/32", "10.42.2.0/24", "fd7a:115c:a1e0::/48"];

    #[test]
    fn a_whole_table_lacks_nothing() {
        assert!(gone(&OWN, true, &ALL).is_empty());
        assert_eq!(gone(&OWN, true, &ALL).finding(), None);
        assert!(gone(&OWN, false, &["100.64.0.2/32", "fd7a:115c:a1e0::/48"]).is_empty());
    }

    #[test]
    fn what_was_taken_away_is_named_and_written_again() {
        let served = gone(&OWN, true, &["100.64.0.2/32", "fd7a:115c:a1e0::/48"]);
        assert_eq!((served.served.len(), served.addresses.len()), (1, 0));
        assert_eq!(served.finding().unwrap().fix.as_deref(), Some("moorline up"));
        // The default route of an exit node is no way to a peer.
        let all = gone(&OWN, true, &["0.0.0.0/0", "::/0"]);
        assert_eq!((all.served.len(), all.addresses.len()), (1, 2));
        let finding = all.finding().unwrap();
        assert!(finding.what.ends_with("10.42.2.0/24, 100.64.0.2, fd7a:115c:a1e0::2"));
        let written: Vec<String> = all.routes().iter().map(ToString::to_string).collect();
        let whole = ["10.42.2.0/24", "100.64.0.2/32", SERVICE, ALL_IPV6, SERVICE_IPV6];
        assert_eq!(written, whole);
    }

    #[test]
    fn a_family_that_is_off_is_not_missed() {
        assert!(gone(&OWN[..1], true, &["100.64.0.2/32", "10.42.2.0/24"]).is_empty());
    }
}
