//! Nudges. tailscaled itself mends its ip rules alone (seen with 1.102.3).

use std::time::Duration;

use provider_api::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::Tailscale;
use crate::client::{ClientError, LocalApi};
use crate::prefs::PrefChange;

/// How long the control server may take to answer anew; 0.6 s were seen.
const REFRESH: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How long the daemon takes to tell the control server of a change. A connection that is
/// opened anew before that delays the change by seconds (seen with 1.102.3).
const TOLD: Duration = Duration::from_secs(2);

impl Tailscale {
    /// Off and on again writes the accepted routes into table 52; no packet was lost over it.
    pub(super) async fn rewrite_peer_routes(&self) -> Result<()> {
        self.toggle("RouteAll", json!(false)).await
    }

    /// Off and on again writes the firewall's chains.
    pub(super) async fn rewrite_firewall(&self) -> Result<()> {
        self.toggle("NetfilterMode", json!(0)).await
    }

    /// Opens the connection to the control server anew, which is when it sends this node's
    /// own entry. Traffic goes on meanwhile. Does nothing where that connection could be the
    /// last: the finding about its URL tells of it.
    pub(super) async fn refresh(&self) -> Result<()> {
        if self.api.prefs().await?.must_not_reconnect() {
            return Ok(());
        }
        if let Some(changed) = self.remember(|memory| memory.changed) {
            sleep_until(Instant::from_std(changed) + TOLD).await;
        }
        self.api.start(None, None).await?;
        let deadline = Instant::now() + REFRESH;
        while Instant::now() < deadline {
            let status = self.api.own_status().await?;
            if status.this.is_some_and(|this| this.online) {
                let now = Instant::now().into_std();
                self.remember(|memory| memory.refreshed = Some(now));
                return Ok(());
            }
            if !status.auth_url.is_empty() {
                return Ok(());
            }
            sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Where it is off already there is nothing that tailscaled would write. A caller that
    /// gives up in between does not leave it off: the task goes on without it.
    async fn toggle(&self, name: &'static str, off: Value) -> Result<()> {
        let on = self.api.prefs().await?.value(name).clone();
        if on == off {
            return Ok(());
        }
        let both = tokio::spawn(off_and_on(self.api.clone(), name, on, off)).await;
        both.map_err(|error| Error::bug(format!("{name} was toggled half: {error}")))??;
        Ok(())
    }
}

/// tailscaled belongs to the service manager, which this provider does not know.
pub(super) fn restart_is_for_the_host() -> Error {
    let what = "tailscaled is started by the service manager, not by Moorline's provider";
    Error::new(ErrorKind::Unsupported, "restart-by-hand", what).fix("systemctl restart tailscaled")
}

async fn off_and_on(
    api: LocalApi,
    name: &'static str,
    on: Value,
    off: Value,
) -> Result<(), ClientError> {
    let set = |from: &Value, to: &Value| {
        [PrefChange { name: name.to_owned(), from: from.clone(), to: to.clone() }]
    };
    let switched_off = api.change(&set(&on, &off)).await;
    api.change(&set(&off, &on)).await?;
    switched_off.map(drop)
}
