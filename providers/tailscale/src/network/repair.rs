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
use super::routes::UNDER_WAY;
use crate::client::{State, Status};

/// How long the control server may take to answer anew; 0.6 s were seen.
const REFRESH: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How long the daemon takes to tell the control server of a change. A connection that is
/// opened anew before that delays the change by seconds (seen with 1.102.3).
const TOLD: Duration = Duration::from_secs(2);

/// How long all routes may take to come back; 0.5 s were seen.
const BACK: Duration = Duration::from_secs(10);

impl Tailscale {
    /// Brings back the routes to peers, and the interface that they go through. What peers serve
    /// comes back with `RouteAll` off and on, over which no packet was lost; their own addresses
    /// come back with `WantRunning` off and on alone, which brings everything back and cuts
    /// traffic for 0.5 s.
    pub(super) async fn rewrite_peer_routes(&self) -> Result<()> {
        self.finish_toggle::<Error>().await?;
        self.raise_interface().await?;
        let gone = self.gone_within(UNDER_WAY, |_| true).await?;
        if gone.is_empty() {
            return Ok(());
        }
        if !gone.addresses.is_empty() && self.may_reconnect().await? {
            self.toggle("WantRunning", json!(false)).await?;
        } else if !gone.served.is_empty() {
            self.toggle("RouteAll", json!(false)).await?;
        }
        let is_back = |status: &Status| status.backend_state == State::Running;
        match self.gone_within(BACK, is_back).await?.finding() {
            Some(finding) => Err(Error::unavailable("peer-routes-gone", finding.what)
                .fix("once the control server answers: systemctl restart tailscaled")),
            None => Ok(()),
        }
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
            Firewall::Gone | Firewall::Unknown => {
                self.remember(|memory| memory.firewall = None);
                self.toggle("NetfilterMode", json!(0)).await
            }
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

    /// Mends what can be mended while all other traffic goes on.
    pub(super) async fn mend_without_a_cut(&self) -> Result<()> {
        self.raise_interface().await?;
        match self.gone_within(UNDER_WAY, |_| true).await?.served.is_empty() {
            true => Ok(()),
            false => self.toggle("RouteAll", json!(false)).await,
        }
    }

    /// Whether a node that is switched off and on finds its control server again: without it
    /// it carries nothing.
    async fn may_reconnect(&self) -> Result<bool> {
        let (status, prefs) = self.own().await?;
        let is_online = status.this.is_some_and(|this| this.online);
        Ok(is_online && !prefs.must_not_reconnect())
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
