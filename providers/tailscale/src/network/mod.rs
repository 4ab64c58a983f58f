//! One tailnet, through the local tailscaled.

mod apply;
pub(crate) mod asked;
mod clock;
mod diagnose;
mod events;
mod firewall;
pub(crate) mod health;
mod interface;
mod leave;
mod membership;
mod memory;
mod observe;
mod peers;
mod plan;
mod repair;
mod routes;
mod sight;
mod taken;
mod toggle;

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use provider_api::{
    Desired, Event, Finding, Host, Leave, LedgerEntry, Membership, Network, Observed, Plan, Repair,
    Result, Step,
};

use self::memory::{Memory, Shared};
use crate::client::{ClientError, LocalApi, Status};
use crate::prefs::{Prefs, Settlement};
use crate::settings::Settings;

/// One tailnet, through the local tailscaled.
pub(crate) struct Tailscale {
    pub(crate) settings: Settings,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) api: LocalApi,
    memory: Shared,
}

impl Tailscale {
    pub(crate) fn new(settings: Settings, host: Arc<dyn Host>) -> Result<Self> {
        let api = LocalApi::new(settings.socket.clone())?;
        Ok(Tailscale { settings, host, api, memory: Shared::default() })
    }

    /// This node's status without peers, and the preferences, at the same time.
    pub(crate) async fn own(&self) -> Result<(Status, Prefs), ClientError> {
        tokio::try_join!(self.api.own_status(), self.api.prefs())
    }

    /// Records, changes, records. Returns the preferences after.
    pub(crate) async fn carry_out(&self, now: Prefs, settlement: Settlement) -> Result<Prefs> {
        let Settlement { changes, before, after, stands } = settlement;
        self.record(before).await?;
        let prefs = if changes.is_empty() { now } else { self.api.change(&changes).await? };
        if !changes.is_empty() {
            self.remember(Memory::note_change);
        }
        self.record(after).await?;
        for name in stands {
            let text = format!("{name} was changed by somebody else and stays as it is");
            self.host.progress(Step::done(format!("stands-{name}"), text));
        }
        Ok(prefs)
    }

    /// Whether the daemon came back without the login that it had when it went away.
    pub(crate) fn has_lost_its_state(&self, status: &Status) -> bool {
        self.remember(|memory| memory.login.saw(status))
    }

    pub(crate) async fn record(&self, entries: Vec<LedgerEntry>) -> Result<()> {
        for entry in entries {
            self.host.record(entry).await?;
        }
        Ok(())
    }

    fn remember<T>(&self, use_it: impl FnOnce(&mut Memory) -> T) -> T {
        self.memory.with(use_it)
    }
}

#[async_trait]
impl Network for Tailscale {
    async fn plan(&self, want: &Desired) -> Result<Plan> {
        self.plan_all(want).await
    }

    async fn join(&self) -> Result<Membership> {
        if self.remember(|memory| memory.has_lost_link()) {
            return Err(membership::link_lost());
        }
        self.join_until_deadline().await
    }

    async fn apply(&self, want: &Desired) -> Result<Observed> {
        self.apply_all(want).await?;
        self.observe_all().await
    }

    async fn observe(&self) -> Result<Observed> {
        self.observe_all().await
    }

    fn events(&self) -> BoxStream<'static, Event> {
        events::events(self.api.clone(), self.memory.clone())
    }

    async fn repair(&self, what: Repair) -> Result<()> {
        match what {
            Repair::PeerRoutes => self.rewrite_peer_routes().await,
            Repair::Firewall => self.rewrite_firewall().await,
            Repair::Refresh => self.refresh().await,
            Repair::Restart => Err(repair::restart_is_for_the_host()),
        }
    }

    async fn leave(&self, how: Leave) -> Result<()> {
        self.leave_all(how).await
    }

    async fn diagnose(&self) -> Vec<Finding> {
        self.diagnose_all().await
    }
}
