//! A network whose calls are made by a plugin.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use provider_api::{
    Desired, Event, Finding, Host, Leave, Membership, Network, Observed, Plan, Repair, Result,
    Severity,
};
use serde::de::DeserializeOwned;

use super::call::call;
use super::events::events;
use super::link::Link;
use crate::wire::Request;

/// A network that a plugin knows by this number, whichever of its processes runs.
pub(super) struct PluginNetwork {
    link: Arc<Link>,
    number: u64,
    join: Duration,
    host: Arc<dyn Host>,
}

impl PluginNetwork {
    pub(super) fn new(
        link: Arc<Link>,
        number: u64,
        join: Duration,
        host: Arc<dyn Host>,
    ) -> PluginNetwork {
        PluginNetwork { link, number, join, host }
    }

    async fn call<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        let allowed = self.link.subject().limits.of(&request, self.join);
        call(&self.link, request, allowed, Some(&*self.host)).await
    }
}

#[async_trait]
impl Network for PluginNetwork {
    async fn plan(&self, want: &Desired) -> Result<Plan> {
        self.call(Request::Plan { network: self.number, want: want.clone() }).await
    }

    async fn join(&self) -> Result<Membership> {
        self.call(Request::Join { network: self.number }).await
    }

    async fn apply(&self, want: &Desired) -> Result<Observed> {
        self.call(Request::Apply { network: self.number, want: want.clone() }).await
    }

    async fn observe(&self) -> Result<Observed> {
        self.call(Request::Observe { network: self.number }).await
    }

    fn events(&self) -> BoxStream<'static, Event> {
        events(&self.link, self.number)
    }

    async fn repair(&self, what: Repair) -> Result<()> {
        self.call(Request::Repair { network: self.number, what }).await
    }

    async fn leave(&self, how: Leave) -> Result<()> {
        self.call(Request::Leave { network: self.number, how }).await
    }

    /// A plugin that cannot tell is a finding, too.
    async fn diagnose(&self) -> Vec<Finding> {
        let found: Result<Vec<Finding>> =
            self.call(Request::Diagnose { network: self.number }).await;
        found.unwrap_or_else(|error| {
            let why = "the plugin cannot tell how its network is";
            let finding = Finding::new(Severity::Error, error.code, error.what, why);
            vec![Finding { fix: error.fix, ..finding }]
        })
    }
}

impl Drop for PluginNetwork {
    fn drop(&mut self) {
        self.link.close(self.number);
    }
}
