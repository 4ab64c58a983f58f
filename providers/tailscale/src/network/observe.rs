//! How things stand now.

use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use linux::link::Link;
use provider_api::{Control, Finding, Ledger, NodeId, Observed, OwnRoute, PolicySubject, Result};

use super::peers::{peer_routes, peers};
use super::{Tailscale, health, interface};
use crate::client::{State, Status};
use crate::control_url::{ControlKind, ControlUrl};
use crate::prefs::Prefs;
use crate::route_stage::{self, Fixes, Freshness, OwnEntry, PacketFilter, RouteVerdict, RouteView};

/// How long this node's own entry counts as fresh after it was asked for.
const FRESH: Duration = Duration::from_secs(10);

/// What the daemon and the ledger say, at one moment.
struct Sight {
    status: Status,
    prefs: Prefs,
    ledger: Ledger,
    filter: Option<PacketFilter>,
    freshness: Freshness,
}

impl Tailscale {
    pub(super) async fn observe_all(&self) -> Result<Observed> {
        let sight = self.look().await?;
        let link = interface::carrying(&sight.status.addresses()).await?;
        let verdicts = sight.verdicts();
        let mut findings = health::of_status(&sight.status, Timestamp::now());
        findings.extend(self.route_findings(&sight, &verdicts));
        Ok(sight.observed(link, &verdicts, findings))
    }

    /// The packet filter is asked for only where it can tell something.
    async fn look(&self) -> Result<Sight> {
        let (status, prefs) = tokio::try_join!(self.api.status(), self.api.prefs())?;
        let ledger = self.host.ledger().await?;
        let filter = match prefs.advertised().is_empty() {
            true => None,
            false => self.api.packet_filter().await.ok(),
        };
        let refreshed = self.remember(|memory| memory.refreshed);
        let fresh = refreshed.is_some_and(|when| when.elapsed() < FRESH);
        let freshness = if fresh { Freshness::Fresh } else { Freshness::Stale };
        Ok(Sight { status, prefs, ledger, filter, freshness })
    }

    fn route_findings(&self, sight: &Sight, verdicts: &[RouteVerdict]) -> Vec<Finding> {
        let cluster_cidrs = self.remember(|memory| memory.cluster_cidrs.clone());
        let fixes = sight.fixes(cluster_cidrs);
        let ours = |verdict: &&RouteVerdict| sight.ledger.routes.contains(&verdict.prefix);
        let ours = verdicts.iter().filter(ours);
        ours.filter_map(|verdict| route_stage::finding(verdict, &fixes)).collect()
    }
}

impl Sight {
    fn kind(&self) -> ControlKind {
        let url = self.prefs.control_url().parse::<ControlUrl>();
        url.map_or(ControlKind::SelfHosted, |url| url.kind())
    }

    fn own_allowed(&self) -> &[IpNet] {
        self.status.this.as_ref().and_then(|this| this.allowed_ips.as_deref()).unwrap_or_default()
    }

    fn own_primary(&self) -> &[IpNet] {
        let this = self.status.this.as_ref();
        this.and_then(|this| this.primary_routes.as_deref()).unwrap_or_default()
    }

    fn verdicts(&self) -> Vec<RouteVerdict> {
        RouteView {
            advertised: &self.prefs.advertised(),
            addresses: &self.status.addresses(),
            own: OwnEntry {
                allowed: self.own_allowed(),
                primary: self.own_primary(),
                freshness: self.freshness,
            },
            filter: self.filter.as_ref(),
            peers: &peer_routes(&self.status),
            control: None,
        }
        .verdicts()
    }

    fn fixes(&self, cluster_cidrs: Vec<IpNet>) -> Fixes {
        let this = self.status.this.clone().unwrap_or_default();
        let tag = this.tags.as_ref().and_then(|tags| tags.first());
        let subject = match tag {
            Some(tag) => PolicySubject::Tag(tag.clone()),
            None => PolicySubject::User(self.status.login_name().unwrap_or_default().to_owned()),
        };
        Fixes {
            kind: self.kind(),
            node: NodeId::new(&this.id),
            name: this.name().to_owned(),
            subject,
            cluster_cidrs,
            approved: self.own_primary().to_vec(),
        }
    }

    fn control(&self) -> Control {
        let status = &self.status;
        let online = status.this.as_ref().is_some_and(|this| this.online);
        match status.backend_state {
            _ if status.is_expired() || status.is_disowned() => Control::LoginNeeded,
            State::NeedsLogin | State::NeedsMachineAuth => Control::LoginNeeded,
            _ if online => Control::Connected,
            State::Running | State::Starting | State::Stopped => Control::Disconnected,
            State::NoState | State::InUseOtherUser | State::Other(_) => Control::Unknown,
        }
    }

    fn observed(
        &self,
        link: Option<Link>,
        verdicts: &[RouteVerdict],
        findings: Vec<Finding>,
    ) -> Observed {
        let member = self.status.backend_state.is_member() && !self.status.is_expired();
        let this = self.status.this.as_ref();
        Observed {
            up: member && link.as_ref().is_some_and(|link| link.up),
            control: self.control(),
            addresses: self.status.addresses(),
            tags: this.and_then(|this| this.tags.clone()).unwrap_or_default(),
            mtu: link.as_ref().map_or(0, |link| link.mtu),
            interface: link.map(|link| link.name).unwrap_or_default(),
            routes: verdicts.iter().map(|verdict| self.own_route(verdict)).collect(),
            peers: peers(&self.status, self.kind()),
            findings,
        }
    }

    fn own_route(&self, verdict: &RouteVerdict) -> OwnRoute {
        OwnRoute {
            prefix: verdict.prefix,
            ours: self.ledger.routes.contains(&verdict.prefix),
            stage: verdict.stage,
        }
    }
}
