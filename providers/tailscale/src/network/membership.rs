//! What the node became.

use std::time::Duration;

use linux::link::Link;
use provider_api::{Enrolment, Error, Membership, NodeId, Result};
use tokio::time::{Instant, sleep};

use super::Tailscale;
use super::interface;
use crate::client::{PeerStatus, State, Status};
use crate::prefs::Prefs;

/// tailscaled gives the interface its addresses a tenth of a second after it knows them.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long a daemon that runs may leave its interface without any.
const BARE: Duration = Duration::from_secs(5);

/// How long after the first address the last may come, where all come at all.
const COMPLETE: Duration = Duration::from_millis(500);

impl Tailscale {
    /// The membership, once the interface carries the node's addresses. There is no event for
    /// that, so the kernel is asked until it is so.
    pub(crate) async fn membership(
        &self,
        enrolment: Enrolment,
        deadline: Instant,
    ) -> Result<Membership> {
        let (mut first_seen, mut running_since) = (None, None);
        loop {
            let (status, prefs) = self.own().await?;
            let addresses = status.addresses();
            let link = interface::carrying(&addresses).await?;
            let link_is_missing = link.is_none();
            let is_complete = |link: &Link| interface::missing(link, &addresses).is_empty();
            let had_time = first_seen.is_some_and(|seen: Instant| seen.elapsed() >= COMPLETE);
            first_seen = first_seen.or(link.is_some().then(Instant::now));
            if let Some(link) = link.filter(|link| is_complete(link) || had_time) {
                let version = self.api.version().long;
                return Ok(membership(status, &prefs, link, enrolment, version));
            }
            let runs = status.backend_state == State::Running && link_is_missing;
            running_since = running_since.or(runs.then(Instant::now));
            let is_bare = running_since.is_some_and(|since: Instant| since.elapsed() >= BARE);
            if is_bare || Instant::now() >= deadline {
                return Err(no_interface(&status));
            }
            sleep(LOOK_AGAIN).await;
        }
    }
}

fn membership(
    status: Status,
    prefs: &Prefs,
    link: Link,
    enrolment: Enrolment,
    version: String,
) -> Membership {
    let addresses = status.addresses();
    let this = status.this.unwrap_or_default();
    Membership {
        node: NodeId::new(&this.id),
        name: PeerStatus::name(&this).to_owned(),
        addresses,
        interface: link.name,
        mtu: link.mtu,
        enrolment,
        control_server: Some(prefs.shown_server()),
        daemon_version: Some(version),
        expires: this.key_expiry,
    }
}

fn no_interface(status: &Status) -> Error {
    let addresses: Vec<String> = status.addresses().iter().map(ToString::to_string).collect();
    let what = match addresses.is_empty() {
        true => "tailscaled has no addresses for this node yet".to_owned(),
        false => format!("no interface carries the node's addresses {}", addresses.join(", ")),
    };
    Error::unavailable("no-interface", what).fix("systemctl restart tailscaled")
}

/// A daemon that lost its interface makes nobody a member before it is started anew.
pub(super) fn link_lost() -> Error {
    let what = "tailscaled has lost the interface that carried the node's addresses";
    Error::unavailable("no-interface", what).fix("systemctl restart tailscaled")
}
