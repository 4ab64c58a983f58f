//! One tailnet, through the local tailscaled.

mod apply;
pub(crate) mod asked;
mod diagnose;
mod events;
mod firewall;
mod health;
mod interface;
mod leave;
mod membership;
mod observe;
mod peers;
mod plan;
mod repair;
mod routes;
mod sight;
mod taken;
mod toggle;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use provider_api::{
    Desired, Event, Finding, Host, Leave, LedgerEntry, Membership, Network, Observed, Plan, Repair,
    Result, Step,
};

use self::observe::Told;
use crate::client::{ClientError, LocalApi, Status};
use crate::prefs::{Prefs, Settlement};
use crate::settings::Settings;

/// One tailnet, through the local tailscaled.
pub(crate) struct Tailscale {
    pub(crate) settings: Settings,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) api: LocalApi,
    memory: Mutex<Memory>,
}

/// What one call leaves for the next. Lost with the process, and nothing is wrong then.
#[derive(Debug, Default)]
struct Memory {
    /// When this node's own entry was last asked for anew, with no change of ours since.
    refreshed: Option<Instant>,
    /// When we last changed a preference.
    changed: Option<Instant>,
    /// What the control server's own API told last.
    told: Option<Told>,
    /// When the firewall was last looked at, or first could have been, and whether
    /// tailscaled's rules were gone.
    firewall: Option<(Instant, bool)>,
}

impl Memory {
    fn note_change(&mut self) {
        self.refreshed = None;
        self.told = None;
        self.changed = Some(Instant::now());
    }
}

impl Tailscale {
    pub(crate) fn new(settings: Settings, host: Arc<dyn Host>) -> Result<Self> {
        let api = LocalApi::new(settings.socket.clone())?;
        Ok(Tailscale { settings, host, api, memory: Mutex::default() })
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

    pub(crate) async fn record(&self, entries: Vec<LedgerEntry>) -> Result<()> {
        for entry in entries {
            self.host.record(entry).await?;
        }
        Ok(())
    }

    fn remember<T>(&self, use_it: impl FnOnce(&mut Memory) -> T) -> T {
        use_it(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Network for Tailscale {
    async fn plan(&self, want: &Desired) -> Result<Plan> {
        self.plan_all(want).await
    }

    async fn join(&self) -> Result<Membership> {
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
        events::events(self.api.clone())
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
