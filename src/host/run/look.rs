//! One look at everything.

use std::time::Instant;

use provider_api::{Error, ErrorKind, Observed, Result};

use super::policy::World;
use crate::host::open::Opened;
use crate::host::pod_network::{self, FirewallSeen};
use crate::host::{Directories, Facts};

/// Looks at the network and at this machine. Changes nothing.
pub(super) async fn look(
    opened: &Opened,
    directories: &Directories,
    away_since: Option<Instant>,
    firewall: &mut FirewallSeen,
) -> Result<World> {
    let state = opened.session.network_state()?;
    let is_member = state.membership.is_some();
    let network = match is_member {
        true => opened.network.observe().await,
        false => Err(not_joined()),
    };
    let pods = match is_member {
        true => pod_network::plan(&state, directories, network.as_ref().ok(), firewall).await?,
        false => Vec::new(),
    };
    let drift = match &network {
        Ok(observed) if observed.up => opened.network.plan(&state.desired).await,
        Ok(_) | Err(_) => Ok(Default::default()),
    };
    // A daemon that went away between the two calls is away.
    let (network, drift) = match (network, drift) {
        (Ok(observed), Ok(plan)) => (Ok(observed), plan.changes),
        (Ok(_), Err(error)) | (Err(error), _) => (Err(error), Vec::new()),
    };
    let away_since = away_since.filter(|_| is_away(&network));
    let away_since = away_since.or_else(|| is_away(&network).then(Instant::now));
    Ok(World { is_member, network, away_since, drift, pods, is_unclear: false })
}

/// What is seen of this machine; the firewall only where it changed, since listing it is slow.
pub(super) async fn facts(last: Option<Facts>, firewall_changed: bool) -> Result<Facts> {
    match last.filter(|_| !firewall_changed) {
        Some(facts) => facts.renewed().await,
        None => Facts::gather().await,
    }
}

fn is_away(network: &Result<Observed>) -> bool {
    network.as_ref().is_err_and(|error| error.kind == ErrorKind::Unavailable)
}

fn not_joined() -> Error {
    Error::new(ErrorKind::Auth, "not-joined", "this node is no member of the network yet")
}
