//! A node's view of a fake VPN.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::stream::unfold;
use ipnet::IpNet;
use provider_api::{
    Change, Control, Desired, Enrolment, Error, ErrorKind, Event, Finding, Host, Leave, Ledger,
    LedgerEntry, Membership, Network, NodeId, Observed, OwnRoute, Plan, ProviderSettings, Repair,
    Result, RouteMode, RouteStage, Step,
};
use serde_json::{Value, json};
use tokio::task::yield_now;

use super::world::{Approval, Call, FakeWorld, KeyFate, State, defaults};
use super::{JOIN_KEY, address};

/// This node's number among the nodes.
const NUMBER: u8 = 1;
/// The settings that a network owns, and what it makes them.
const OWNED: [(&str, Value); 2] =
    [("accept-routes", Value::Bool(true)), ("translate", Value::Bool(false))];

pub(super) struct FakeNetwork {
    world: FakeWorld,
    settings: ProviderSettings,
    host: Arc<dyn Host>,
}

impl FakeNetwork {
    pub(super) fn new(world: FakeWorld, settings: ProviderSettings, host: Arc<dyn Host>) -> Self {
        FakeNetwork { world, settings, host }
    }

    async fn enrol(&self) -> Result<()> {
        let key = self.host.secret("joinKey").await?.ok_or_else(key_missing)?;
        yield_now().await;
        admit(self.world.state().key, key.expose())?;
        self.host.record(enrolled(Enrolment::Ours)).await?;
        yield_now().await;
        self.world.change(|state| state.enrolled = true);
        Ok(())
    }

    async fn own_settings(&self) -> Result<()> {
        for (name, made) in OWNED {
            let was = self.world.state().settings.get(name).cloned().unwrap_or(Value::Null);
            if was == made {
                continue;
            }
            let entry = LedgerEntry::Changing { name: name.into(), was, made: made.clone() };
            self.host.record(entry).await?;
            yield_now().await;
            self.world.change(|state| {
                state.settings.insert(name.into(), made);
            });
        }
        Ok(())
    }

    async fn advertise(&self, wanted: &BTreeSet<IpNet>) -> Result<()> {
        for prefix in wanted.difference(&self.offered()) {
            self.host.record(LedgerEntry::Advertising(*prefix)).await?;
            yield_now().await;
            self.world.change(|state| offer(state, *prefix));
        }
        let ours = self.host.ledger().await?.routes;
        for prefix in ours.difference(wanted) {
            self.withdraw(*prefix).await?;
        }
        Ok(())
    }

    async fn withdraw(&self, prefix: IpNet) -> Result<()> {
        yield_now().await;
        self.world.change(|state| {
            state.routes.remove(&prefix);
        });
        self.host.record(LedgerEntry::Withdrawn(prefix)).await
    }

    async fn restore(&self, ledger: &Ledger) -> Result<()> {
        for (name, setting) in ledger.settings.iter().filter(|(_, setting)| !setting.restored) {
            yield_now().await;
            self.world.change(|state| put_back(state, name, &setting.was));
            self.host.record(LedgerEntry::Restored { name: name.clone() }).await?;
        }
        Ok(())
    }

    fn offered(&self) -> BTreeSet<IpNet> {
        self.world.state().routes.clone()
    }

    fn look(&self, ledger: &Ledger) -> Observed {
        let state = self.world.state();
        Observed {
            up: state.enrolled && state.control != Control::LoginNeeded,
            control: if state.enrolled { state.control } else { Control::LoginNeeded },
            addresses: vec![address(NUMBER)],
            tags: Vec::new(),
            interface: "fake0".into(),
            mtu: 1280,
            routes: state
                .routes
                .iter()
                .map(|prefix| OwnRoute {
                    prefix: *prefix,
                    ours: ledger.routes.contains(prefix),
                    stage: stage(&state, prefix),
                })
                .collect(),
            peers: state.peers.clone(),
            findings: state.findings.clone(),
            route_findings: Vec::new(),
            wants: Vec::new(),
        }
    }
}

#[async_trait]
impl Network for FakeNetwork {
    async fn plan(&self, want: &Desired) -> Result<Plan> {
        self.world.scripted(Call::Plan)?;
        let ours = self.host.ledger().await?.routes;
        Ok(Plan { changes: changes(&self.world.state(), &ours, &wanted(want)) })
    }

    async fn join(&self) -> Result<Membership> {
        self.world.scripted(Call::Join)?;
        self.host.progress(Step::begin("login", "logging in"));
        if self.world.is_enrolled() {
            self.host.record(enrolled(Enrolment::Adopted)).await?;
        } else {
            self.enrol().await?;
        }
        self.host.progress(Step::done("login", "logged in"));
        let ledger = self.host.ledger().await?;
        Ok(Membership {
            node: NodeId::new(NUMBER.to_string()),
            name: "node".into(),
            addresses: vec![address(NUMBER)],
            interface: "fake0".into(),
            mtu: 1280,
            enrolment: ledger.enrolment.unwrap_or(Enrolment::Adopted),
            control_server: self.settings.values.get("controlServerURL").cloned(),
            daemon_version: Some("0".into()),
            expires: None,
        })
    }

    async fn apply(&self, want: &Desired) -> Result<Observed> {
        self.world.scripted(Call::Apply)?;
        self.own_settings().await?;
        self.advertise(&wanted(want)).await?;
        Ok(self.look(&self.host.ledger().await?))
    }

    async fn observe(&self) -> Result<Observed> {
        self.world.scripted(Call::Observe)?;
        Ok(self.look(&self.host.ledger().await?))
    }

    fn events(&self) -> BoxStream<'static, Event> {
        let listener = Some(self.world.subscribe());
        Box::pin(unfold(listener, async |listener| {
            let mut listener = listener?;
            match listener.recv().await {
                Ok(Event::Changed) => Some((Event::Changed, Some(listener))),
                Ok(Event::Gone) => Some((Event::Gone, None)),
                // Too many at once: something changed.
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {
                    Some((Event::Changed, Some(listener)))
                }
                Err(tokio::sync::broadcast::error::RecvError::Closed) => None,
            }
        }))
    }

    async fn repair(&self, _what: Repair) -> Result<()> {
        self.world.scripted(Call::Repair)
    }

    async fn leave(&self, how: Leave) -> Result<()> {
        self.world.scripted(Call::Leave)?;
        let ledger = self.host.ledger().await?;
        if how == Leave::Unfinished && ledger.enrolment.is_some() {
            return Ok(());
        }
        for prefix in &ledger.routes {
            self.withdraw(*prefix).await?;
        }
        self.restore(&ledger).await?;
        if how == Leave::Logout && ledger.enrolment == Some(Enrolment::Ours) {
            yield_now().await;
            self.world.change(|state| {
                state.enrolled = false;
                state.settings = defaults();
            });
        }
        self.host.record(LedgerEntry::Left).await
    }

    async fn diagnose(&self) -> Vec<Finding> {
        self.world.state().findings.clone()
    }
}

fn enrolled(by: Enrolment) -> LedgerEntry {
    LedgerEntry::Enrolled { by, identity: Value::Null }
}

fn wanted(want: &Desired) -> BTreeSet<IpNet> {
    match want.mode {
        RouteMode::Routed => want.pod_cidrs.iter().copied().collect(),
        RouteMode::Underlay => BTreeSet::new(),
    }
}

fn changes(state: &State, ours: &BTreeSet<IpNet>, wanted: &BTreeSet<IpNet>) -> Vec<Change> {
    let change = |subject: &str, from: String, to: String, why: &str| Change {
        subject: subject.into(),
        from,
        to,
        why: why.into(),
    };
    let joining = (!state.enrolled).then(|| change("enrolment", "none".into(), "fake".into(), ""));
    let settings = OWNED.iter().filter_map(|(name, made)| {
        let was = state.settings.get(*name).unwrap_or(&Value::Null);
        (was != made).then(|| change(name, was.to_string(), made.to_string(), "pods need it"))
    });
    let offers = wanted
        .difference(&state.routes)
        .map(|prefix| change("route", String::new(), prefix.to_string(), "own pod CIDR"));
    let withdrawals = ours
        .difference(wanted)
        .map(|prefix| change("route", prefix.to_string(), String::new(), "no longer wanted"));
    joining.into_iter().chain(settings).chain(offers).chain(withdrawals).collect()
}

fn offer(state: &mut State, prefix: IpNet) {
    state.routes.insert(prefix);
    if state.approval == Approval::Automatic {
        state.approved.insert(prefix);
    }
}

fn stage(state: &State, prefix: &IpNet) -> RouteStage {
    match (state.approval, state.approved.contains(prefix)) {
        (Approval::Hidden, _) => RouteStage::Hidden,
        (_, true) => RouteStage::Served,
        (_, false) => RouteStage::Unapproved,
    }
}

fn put_back(state: &mut State, name: &str, was: &Value) {
    if *was == json!(null) {
        state.settings.remove(name);
    } else {
        state.settings.insert(name.to_owned(), was.clone());
    }
}

fn admit(fate: KeyFate, key: &str) -> Result<()> {
    let refused = |code: &str, what: &str| {
        Err(Error::new(ErrorKind::Auth, code, what).fix("fake key create"))
    };
    match fate {
        KeyFate::Good if key == JOIN_KEY => Ok(()),
        KeyFate::Good => refused("auth-key-invalid", "the fake server does not know the joinKey"),
        KeyFate::Expired => refused("auth-key-expired", "the joinKey is over"),
        KeyFate::UsedUp => refused("auth-key-used", "the joinKey was used by another node"),
    }
}

fn key_missing() -> Error {
    Error::new(ErrorKind::Auth, "auth-key-missing", "this node is not enrolled and has no joinKey")
        .fix("--vpn-auth=name=fake,joinKey=file:PATH")
}
