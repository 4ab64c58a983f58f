//! What tailscaled wrote into the kernel once, written again: it does not look after it, but
//! for its ip rules (seen with 1.102.3).

use std::time::Duration;

use linux::Netlink;
use provider_api::{Error, ErrorKind, Result};
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::Tailscale;
use super::firewall::{Firewall, firewall};
use super::interface::{carried, carrying, kernel, raising};
use super::routes::{TABLE, gone};

/// How long the control server may take to answer anew; 0.6 s were seen.
const REFRESH: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How long the daemon takes to tell the control server of a change. A connection that is
/// opened anew before that delays the change by seconds (seen with 1.102.3).
const TOLD: Duration = Duration::from_secs(2);

impl Tailscale {
    /// Brings back the routes to peers, and the interface that they go through, as tailscaled
    /// wrote them: it goes on from there as if nothing had been. All other traffic goes on.
    pub(super) async fn rewrite_peer_routes(&self) -> Result<()> {
        self.finish_toggle::<Error>().await?;
        self.raise_interface().await?;
        let (status, prefs) = tokio::try_join!(self.api.status(), self.api.prefs())?;
        let Some(link) = carrying(&status.addresses()).await? else { return Ok(()) };
        let missing = gone(&status, &prefs, &link).await?.routes();
        Netlink::open().map_err(kernel)?.add_routes(TABLE, &link, &missing).await.map_err(kernel)
    }

    /// Writes the firewall's chains again. Where tailscaled's rules alone let packets through,
    /// none passes for 0.4 s; so nothing is done while all of them are there.
    pub(super) async fn rewrite_firewall(&self) -> Result<()> {
        self.finish_toggle::<Error>().await?;
        let (status, prefs) = self.own().await?;
        let addresses = status.addresses();
        let link = carrying(&addresses).await?;
        match firewall(&prefs, &carried(link.as_ref(), &addresses)).await {
            Firewall::Whole => Ok(()),
            Firewall::Gone | Firewall::Unknown => self.toggle("NetfilterMode", json!(0)).await,
        }
    }

    /// Sets the interface up, with the addresses that it lost: IPv6's go when it goes down, and
    /// all routes with it.
    async fn raise_interface(&self) -> Result<()> {
        let addresses = self.api.own_status().await?.addresses();
        let Some(link) = carrying(&addresses).await? else { return Ok(()) };
        let changes = raising(&link, &addresses);
        Netlink::open().map_err(kernel)?.apply_all(&changes).await.map_err(kernel)
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
}

/// tailscaled belongs to the service manager, which this provider does not know.
pub(super) fn restart_is_for_the_host() -> Error {
    let what = "tailscaled is started by the service manager, not by Moorline's provider";
    Error::new(ErrorKind::Unsupported, "restart-by-hand", what).fix("systemctl restart tailscaled")
}
