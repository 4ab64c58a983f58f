//! What can be told about the provider's own health, asking twice where once is not enough.

use std::time::Duration;

use jiff::Timestamp;
use provider_api::{Finding, NodeId, Result};
use tokio::time::{Instant, sleep};

use super::firewall::{self, Firewall};
use super::{Tailscale, clock, health, interface};
use crate::client::{State, Status};
use crate::prefs::Prefs;

/// How long a daemon that asked anew may take to find its relay; 3 s were seen.
const RELAY: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Tailscale {
    pub(super) async fn diagnose_all(&self) -> Vec<Finding> {
        self.examine().await.unwrap_or_else(|error| vec![health::of_error(error)])
    }

    async fn examine(&self) -> Result<Vec<Finding>> {
        let (status, prefs) = self.own().await?;
        let mut findings = health::of_daemon(&prefs, &self.api.version());
        let addresses = status.addresses();
        let link = interface::carrying(&addresses).await?;
        let carried = interface::carried(link.as_ref(), &addresses);
        let is_gone = firewall::firewall(&prefs, &carried).await == Firewall::Gone;
        findings.extend(is_gone.then(firewall::gone));
        let anew = async {
            match prefs.must_not_reconnect() {
                true => Ok(status),
                false => self.asked_anew(status).await,
            }
        };
        let (status, skew) = tokio::join!(anew, clock::finding(prefs.control_url()));
        let status = status?;
        findings.extend(skew);
        let enrolment = self.host.ledger().await?.enrolment;
        let standing = health::of_status(&status, enrolment, Timestamp::now());
        match standing.is_empty() {
            true => findings.extend(self.told_by_control(&status, &prefs).await),
            false => findings.extend(standing),
        }
        Ok(findings)
    }

    /// A node that was deleted at headscale looks healthy until it asks anew.
    async fn asked_anew(&self, status: Status) -> Result<Status> {
        if !status.backend_state.is_member() {
            return Ok(status);
        }
        self.refresh().await?;
        let deadline = Instant::now() + RELAY;
        loop {
            let status = self.api.own_status().await?;
            if status.backend_state != State::Starting || Instant::now() >= deadline {
                return Ok(status);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// What the control server's own API knows and the daemon does not say.
    async fn told_by_control(&self, status: &Status, prefs: &Prefs) -> Option<Finding> {
        let id = NodeId::new(status.this.as_ref().map_or("", |this| &this.id));
        match self.known_at_control(prefs, &id).await {
            Err(error) => Some(health::of_untold(error)),
            Ok(Some(None)) => Some(health::deleted()),
            Ok(Some(Some(node))) if node.ephemeral == Some(true) => Some(health::ephemeral()),
            Ok(Some(Some(_)) | None) => None,
        }
    }
}
