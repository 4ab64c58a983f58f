//! The host's side: a child process as a provider.

mod backoff;
mod bucket;
mod call;
mod calls;
mod child;
mod events;
mod fault;
mod limits;
mod link;
mod log;
mod network;
mod redactor;
mod session;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use provider_api::{Host, Manifest, Network, PolicyRequest, Provider, ProviderSettings, Result};

use crate::wire::Request;
use link::Link;
use network::PluginNetwork;

pub use limits::Limits;

/// A provider that lives in a child process.
///
/// The child is started by [`Plugin::start`], started again at the next call after it died, and
/// ended when this and all its networks are dropped: by the end of its input, and killed if it
/// does not heed that. What it started itself is its own business, and goes on.
pub struct Plugin {
    link: Arc<Link>,
    manifest: Manifest,
    networks: AtomicU64,
}

impl Plugin {
    /// Starts this executable, and lets it introduce itself as `name`. Blocks until it has.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](provider_api::ErrorKind::Unavailable) where it cannot be
    /// started or does not speak; [`ErrorKind::Unsupported`](provider_api::ErrorKind::Unsupported)
    /// where it speaks other versions, or is another provider.
    pub fn start(name: &str, executable: &Path) -> Result<Plugin> {
        Plugin::start_within(name, executable, Limits::default())
    }

    /// The same, with other limits than the default ones.
    ///
    /// # Errors
    /// Those of [`Plugin::start`].
    pub fn start_within(name: &str, executable: &Path, limits: Limits) -> Result<Plugin> {
        let link = Arc::new(Link::new(name, executable, limits)?);
        let manifest = call::blocking(&link, link.subject().introduction())?;
        Ok(Plugin { link, manifest, networks: AtomicU64::new(1) })
    }
}

impl Provider for Plugin {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open(&self, settings: &ProviderSettings, host: Arc<dyn Host>) -> Result<Box<dyn Network>> {
        let number = self.networks.fetch_add(1, Ordering::Relaxed);
        let network =
            PluginNetwork::new(Arc::clone(&self.link), number, settings.join_deadline, host);
        let request = Request::Open { network: number, settings: Box::new(settings.clone()) };
        call::blocking::<()>(&self.link, request)?;
        Ok(Box::new(network))
    }

    fn policy(&self, request: &PolicyRequest) -> Result<String> {
        call::blocking(&self.link, Request::Policy(request.clone()))
    }
}
