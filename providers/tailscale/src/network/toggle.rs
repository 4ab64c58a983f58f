//! Switching a preference off and on again, which makes tailscaled write anew what hangs on
//! it. The ledger remembers what was on until it is on again, so that nobody finds it off
//! after a crash in between.

use std::sync::Arc;

use provider_api::{Error, Host, LedgerEntry, Result};
use serde_json::Value;

use super::Tailscale;
use super::apply::held;
use crate::client::{ClientError, LocalApi};
use crate::prefs::{PrefChange, Prefs, TOGGLE, diff};

impl Tailscale {
    /// Where it is off already there is nothing that tailscaled would write. A caller that
    /// gives up in between does not leave it off: the task goes on without it.
    pub(super) async fn toggle(&self, name: &'static str, off: Value) -> Result<()> {
        self.finish_toggle::<Error>().await?;
        let on = self.api.prefs().await?.value(name).clone();
        if on == off {
            return Ok(());
        }
        let toggle = Toggle {
            api: self.api.clone(),
            host: Arc::clone(&self.host),
            on: Prefs::default().with(name, on),
            off: Prefs::default().with(name, off),
        };
        let both = tokio::spawn(toggle.run()).await;
        both.map_err(|error| Error::bug(format!("{name} was toggled half: {error}")))?
    }

    /// Switches on again what a call that came to no end left off; nothing where somebody else
    /// has changed it since.
    pub(crate) async fn finish_toggle<E>(&self) -> Result<(), E>
    where
        E: From<Error> + From<ClientError>,
    {
        let ledger = self.host.ledger().await?;
        let Some(begun) = held(&ledger, TOGGLE) else { return Ok(()) };
        let (off, on) = (preferences(&begun.made)?, preferences(&begun.was)?);
        let now = self.api.prefs().await?;
        let is_off = |change: &PrefChange| now.value(&change.name) == &change.from;
        let changes: Vec<PrefChange> = diff(&off, &on).into_iter().filter(is_off).collect();
        if !changes.is_empty() {
            self.api.change(&changes).await?;
        }
        self.host.record(over()).await?;
        Ok(())
    }
}

struct Toggle {
    api: LocalApi,
    host: Arc<dyn Host>,
    on: Prefs,
    off: Prefs,
}

impl Toggle {
    async fn run(self) -> Result<()> {
        let Toggle { api, host, on, off } = self;
        let (was, made) = (value(&on)?, value(&off)?);
        host.record(LedgerEntry::Changing { name: TOGGLE.to_owned(), was, made }).await?;
        let switched_off = api.change(&diff(&on, &off)).await;
        api.change(&diff(&off, &on)).await?;
        host.record(over()).await?;
        switched_off?;
        Ok(())
    }
}

fn over() -> LedgerEntry {
    LedgerEntry::Restored { name: TOGGLE.to_owned() }
}

fn value(prefs: &Prefs) -> Result<Value> {
    serde_json::to_value(prefs).map_err(|error| Error::bug(format!("{TOGGLE}: {error}")))
}

fn preferences(recorded: &Value) -> Result<Prefs> {
    serde_json::from_value(recorded.clone())
        .map_err(|error| Error::bug(format!("the ledger's `{TOGGLE}`: {error}")))
}
