//! Nudges. tailscaled itself mends its ip rules alone (seen with 1.102.3).

use std::time::Duration;

use provider_api::Result;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Tailscale;
use crate::prefs::PrefChange;

/// How long the control server may take to answer anew; 0.6 s were seen.
const REFRESH: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

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
    /// own entry. Traffic goes on meanwhile.
    pub(super) async fn refresh(&self) -> Result<()> {
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

    /// Where it is off already there is nothing that tailscaled would write.
    async fn toggle(&self, name: &str, off: Value) -> Result<()> {
        let now = self.api.prefs().await?.value(name).clone();
        if now == off {
            return Ok(());
        }
        let change = |from: &Value, to: &Value| PrefChange {
            name: name.to_owned(),
            from: from.clone(),
            to: to.clone(),
        };
        let on_again = self.api.change(&[change(&now, &off)]).await;
        self.api.change(&[change(&off, &now)]).await?;
        on_again?;
        Ok(())
    }
}
