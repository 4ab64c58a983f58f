//! What somebody took from the kernel that tailscaled had put there, and what brings it back:
//! tailscaled itself does not see it (seen with 1.102.3).

use linux::link::Link;
use provider_api::{Finding, Repair, Result};

use super::routes::{UNDER_WAY, gone};
use super::sight::Sight;
use super::{Tailscale, firewall, health, interface};

/// What is not there any more.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// What is so, for people.
    pub(super) findings: Vec<Finding>,
    /// What brings it back.
    pub(super) wants: Vec<Repair>,
}

impl Tailscale {
    pub(super) async fn taken_away(&self, sight: &Sight, link: Option<&Link>) -> Result<Taken> {
        let Some(link) = link else { return Ok(Taken::default()) };
        let addresses = sight.status.addresses();
        let down = (!link.up).then(|| health::interface_down(&link.name));
        let missing = health::of_missing(&interface::missing(link, &addresses));
        let routes = self.routes_taken_away(sight, link).await?;
        let carried = interface::carried(Some(link), &addresses);
        let firewall = self.firewall_is_gone(sight, &carried).await.then(firewall::gone);

        let is_to_raise = !interface::raising(link, &addresses).is_empty();
        let wants = [
            (is_to_raise || routes.is_some()).then_some(Repair::PeerRoutes),
            firewall.is_some().then_some(Repair::Firewall),
        ];
        let findings = [down, missing, routes, firewall].into_iter().flatten().collect();
        Ok(Taken { findings, wants: wants.into_iter().flatten().collect() })
    }

    /// An interface that is down has no routes: that it is down says enough.
    async fn routes_taken_away(&self, sight: &Sight, link: &Link) -> Result<Option<Finding>> {
        if !link.up || gone(&sight.status, &sight.prefs, link).await?.is_empty() {
            return Ok(None);
        }
        Ok(self.gone_within(UNDER_WAY).await?.finding())
    }
}
