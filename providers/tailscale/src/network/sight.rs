//! What all sources say at one moment, and what follows from it. Pure.

use ipnet::IpNet;
use linux::link::Link;
use provider_api::{
    Control, Enrolment, Error, Finding, Ledger, NodeId, Observed, OwnRoute, PolicySubject,
    RouteStage,
};

use super::peers::{peer_routes, peers};
use crate::client::{State, Status};
use crate::control_url::ControlKind;
use crate::prefs::Prefs;
use crate::route_stage::{
    ControlRoutes, Fixes, Freshness, OwnEntry, PacketFilter, RouteVerdict, RouteView,
};

/// What all sources say at one moment.
pub(super) struct Sight {
    pub(super) status: Status,
    pub(super) prefs: Prefs,
    ledger: Ledger,
    age: Age,
    /// The packet filter, where it was read.
    pub(super) filter: Option<PacketFilter>,
    /// The control server's own word on the routes, where it was asked.
    pub(super) control: Option<ControlRoutes>,
    /// What the control server answered where this node is none of its members any more.
    pub(super) put_out: Option<Finding>,
    /// Whether the control server answered that it forgets this node once it is offline.
    pub(super) is_ephemeral: bool,
    /// Why the control server did not answer.
    pub(super) asked_in_vain: Option<Error>,
}

/// How old what we see is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Age {
    /// Whether the node's own entry is younger than the last change.
    pub(super) is_fresh: bool,
    /// Whether the control server had time to judge the last change.
    pub(super) is_judged: bool,
}

impl Sight {
    pub(super) fn new(status: Status, prefs: Prefs, ledger: Ledger, age: Age) -> Self {
        Sight {
            status,
            prefs,
            ledger,
            age,
            filter: None,
            control: None,
            put_out: None,
            is_ephemeral: false,
            asked_in_vain: None,
        }
    }

    /// The control server's id of this node.
    pub(super) fn node(&self) -> NodeId {
        NodeId::new(self.status.this.as_ref().map_or("", |this| &this.id))
    }

    /// Who enrolled this node; none where it never was a member.
    pub(super) fn enrolment(&self) -> Option<Enrolment> {
        self.ledger.enrolment
    }

    pub(super) fn is_ours(&self, verdict: &RouteVerdict) -> bool {
        self.ledger.routes.contains(&verdict.prefix)
    }

    /// How far each advertised prefix has come. What the control server had no time to judge,
    /// or cannot be heard about, is no more than advertised.
    pub(super) fn verdicts(&self) -> Vec<RouteVerdict> {
        let mut verdicts = self.view(&self.prefs.advertised(), &self.status.addresses());
        let standing = self.standing();
        let is_judged = self.age.is_judged && standing == Control::Connected;
        for verdict in &mut verdicts {
            let is_refused = matches!(verdict.stage, RouteStage::Unapproved | RouteStage::Withheld);
            // Of a node that it put out a control server serves nothing.
            if standing == Control::LoginNeeded || (is_refused && !is_judged) {
                verdict.stage = RouteStage::Advertised;
            }
        }
        verdicts
    }

    fn view(&self, advertised: &[IpNet], addresses: &[std::net::IpAddr]) -> Vec<RouteVerdict> {
        let this = self.status.this.as_ref();
        let allowed = this.and_then(|this| this.allowed_ips.as_deref()).unwrap_or_default();
        let freshness = if self.age.is_fresh { Freshness::Fresh } else { Freshness::Stale };
        RouteView {
            advertised,
            addresses,
            own: OwnEntry { allowed, primary: self.own_primary(), freshness },
            filter: self.filter.as_ref(),
            peers: &peer_routes(&self.status),
            control: self.control.as_ref(),
        }
        .verdicts()
    }

    /// What the fixes of a route's finding name.
    pub(super) fn fixes(&self, cluster_cidrs: &[IpNet], verdicts: &[RouteVerdict]) -> Fixes {
        let this = self.status.this.clone().unwrap_or_default();
        let subject = match this.tags.as_ref().and_then(|tags| tags.first()) {
            Some(tag) => PolicySubject::Tag(tag.clone()),
            None => PolicySubject::User(self.status.login_name().unwrap_or_default().to_owned()),
        };
        let approved = match &self.control {
            Some(control) => control.approved.clone(),
            None => perhaps_approved(verdicts),
        };
        Fixes {
            kind: self.kind(),
            node: self.node(),
            name: this.name().to_owned(),
            subject,
            cluster_cidrs: cluster_cidrs.to_vec(),
            approved,
            asked_in_vain: self.asked_in_vain.is_some(),
        }
    }

    pub(super) fn observed(&self, link: Option<Link>, verdicts: &[RouteVerdict]) -> Observed {
        let member = self.status.backend_state.is_member();
        let member = member && self.standing() != Control::LoginNeeded;
        let this = self.status.this.as_ref();
        Observed {
            up: member && link.as_ref().is_some_and(|link| link.up),
            control: self.standing(),
            addresses: self.status.addresses(),
            tags: this.and_then(|this| this.tags.clone()).unwrap_or_default(),
            mtu: link.as_ref().map_or(0, |link| link.mtu),
            interface: link.map(|link| link.name).unwrap_or_default(),
            routes: verdicts.iter().map(|verdict| self.own_route(verdict)).collect(),
            peers: peers(&self.status, self.kind()),
            findings: Vec::new(),
            route_findings: Vec::new(),
            wants: Vec::new(),
        }
    }

    fn own_route(&self, verdict: &RouteVerdict) -> OwnRoute {
        let RouteVerdict { prefix, stage, .. } = verdict;
        OwnRoute { prefix: *prefix, ours: self.is_ours(verdict), stage: *stage }
    }

    fn own_primary(&self) -> &[IpNet] {
        let this = self.status.this.as_ref();
        this.and_then(|this| this.primary_routes.as_deref()).unwrap_or_default()
    }

    fn kind(&self) -> ControlKind {
        match self.prefs.belongs_to_tailscale() {
            true => ControlKind::Tailscale,
            false => ControlKind::SelfHosted,
        }
    }

    fn standing(&self) -> Control {
        let status = &self.status;
        let online = status.this.as_ref().is_some_and(|this| this.online);
        match status.backend_state {
            _ if self.put_out.is_some() || status.is_expired() || status.is_disowned() => {
                Control::LoginNeeded
            }
            State::NeedsLogin | State::NeedsMachineAuth => Control::LoginNeeded,
            _ if online => Control::Connected,
            State::Running | State::Starting | State::Stopped => Control::Disconnected,
            State::NoState | State::InUseOtherUser | State::Other(_) => Control::Unknown,
        }
    }
}

/// The prefixes that may be approved: approving others takes their approval away where it
/// leaves them out.
fn perhaps_approved(verdicts: &[RouteVerdict]) -> Vec<IpNet> {
    let may_be = |verdict: &&RouteVerdict| verdict.stage != RouteStage::Unapproved;
    verdicts.iter().filter(may_be).map(|verdict| verdict.prefix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn sight(status: Value, is_judged: bool) -> Sight {
        let status = serde_json::from_value(status).unwrap();
        let prefs = Prefs::default().with("AdvertiseRoutes", json!(["10.42.3.0/24"]));
        let age = Age { is_fresh: true, is_judged };
        Sight::new(status, prefs, Ledger::default(), age)
    }

    #[test]
    fn a_route_that_nobody_could_judge_yet_is_only_advertised() {
        let running = json!({"BackendState": "Running", "Self": {"Online": true}});
        let stage = |is_judged| sight(running.clone(), is_judged).verdicts()[0].stage;
        assert_eq!(stage(false), RouteStage::Advertised);
        assert_ne!(stage(true), RouteStage::Advertised);
    }

    #[test]
    fn approving_keeps_what_may_be_approved() {
        let verdict = |prefix: &str, stage| {
            let reason = String::new();
            RouteVerdict { prefix: prefix.parse().unwrap(), stage, reason }
        };
        let verdicts = [
            verdict("192.168.7.0/24", RouteStage::Withheld),
            verdict("192.168.8.0/24", RouteStage::Advertised),
            verdict("192.168.9.0/24", RouteStage::Unapproved),
            verdict("10.42.3.0/24", RouteStage::Served),
        ];
        let kept = [verdicts[0].prefix, verdicts[1].prefix, verdicts[3].prefix];
        assert_eq!(perhaps_approved(&verdicts), kept);
    }

    #[test]
    fn a_node_that_was_put_out_serves_nothing() {
        let own = json!({"Online": false, "PrimaryRoutes": ["10.42.3.0/24"]});
        let alone = json!({"BackendState": "Running", "Self": own});
        let put_out = json!({"BackendState": "Running", "AuthURL": "http://x", "Self": own});
        let stage = |status| sight(status, true).verdicts()[0].stage;
        assert_eq!(stage(alone), RouteStage::Served);
        assert_eq!(stage(put_out), RouteStage::Advertised);
    }

    #[test]
    fn each_state_has_its_standing() {
        for (status, control) in [
            (json!({"BackendState": "Running", "Self": {"Online": true}}), Control::Connected),
            (json!({"BackendState": "Running", "Self": {"Online": false}}), Control::Disconnected),
            (
                json!({"BackendState": "Running", "AuthURL": "http://x", "Self": {"Online": false}}),
                Control::LoginNeeded,
            ),
            (json!({"BackendState": "NeedsLogin"}), Control::LoginNeeded),
            (json!({"BackendState": "NoState"}), Control::Unknown),
        ] {
            assert_eq!(sight(status.clone(), true).standing(), control, "{status}");
        }
    }
}
