//! The control server's own API, where the operator gave a key for it: it knows for certain
//! what is approved, and which nodes are gone. Nothing is ever written there.

mod headscale;
mod http;
mod tailscale;

use async_trait::async_trait;
use jiff::Timestamp;
use provider_api::{NodeId, Result, Secret};

use crate::control_url::{ControlKind, ControlUrl};
use crate::route_stage::ControlRoutes;
use headscale::Headscale;
use http::Http;
use tailscale::Tailscale;

/// Where Tailscale's API is, which is not where its control server is.
const TAILSCALE_API: &str = "https://api.tailscale.com";

/// What a control server can be asked. Each call is one request, with its own deadline.
///
/// # Errors
/// [`ErrorKind::Auth`](provider_api::ErrorKind::Auth) for a key that is refused,
/// [`ErrorKind::Unavailable`](provider_api::ErrorKind::Unavailable) where nobody answers, and
/// [`ErrorKind::Unsupported`](provider_api::ErrorKind::Unsupported) for an answer that makes no
/// sense. No error holds the key.
#[async_trait]
pub trait ControlApi: Send + Sync {
    /// All nodes of the network.
    async fn nodes(&self) -> Result<Vec<ControlNode>>;

    /// The node of this id or node key; none where the control server does not know it: it was
    /// deleted there, or never was.
    async fn node(&self, id: &NodeId) -> Result<Option<ControlNode>> {
        Ok(self.nodes().await?.into_iter().find(|node| node.is(id)))
    }
}

/// The API of this control server, asked with this key.
///
/// # Errors
/// [`ErrorKind::Settings`](provider_api::ErrorKind::Settings) for a key that no request can
/// carry.
pub fn open(server: &ControlUrl, key: Secret) -> Result<Box<dyn ControlApi>> {
    match server.kind() {
        ControlKind::Tailscale => open_at(ControlKind::Tailscale, TAILSCALE_API, key),
        ControlKind::SelfHosted => open_at(ControlKind::SelfHosted, server.as_str(), key),
    }
}

/// The API of this kind at this URL, whatever the control server's own is.
///
/// # Errors
/// As [`open`].
pub fn open_at(kind: ControlKind, base: &str, key: Secret) -> Result<Box<dyn ControlApi>> {
    let http = Http::new(kind, base, key)?;
    Ok(match kind {
        ControlKind::Tailscale => Box::new(Tailscale(http)),
        ControlKind::SelfHosted => Box::new(Headscale(http)),
    })
}

/// A node, as the control server knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlNode {
    /// Its id: the LocalAPI's `Self.ID`.
    pub id: NodeId,
    /// Its name in the network.
    pub name: String,
    /// Its node key, `nodekey:` in front.
    pub key: String,
    /// Its tags, `tag:` in front.
    pub tags: Vec<String>,
    /// Whether it is connected to the control server; none where the server does not say.
    pub online: Option<bool>,
    /// When its key expires; none for never.
    pub expires: Option<Timestamp>,
    /// Whether it is forgotten soon after it goes offline; none where the server does not say.
    pub ephemeral: Option<bool>,
    /// Its routes.
    pub routes: ControlRoutes,
}

impl ControlNode {
    /// Whether its key has expired, so that it must log in again.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn is(&self, id: &NodeId) -> bool {
        self.id == *id || self.key == id.as_str()
    }
}

/// Servers write the year 1 for "never".
fn moment(timestamp: Option<Timestamp>) -> Option<Timestamp> {
    timestamp.filter(|moment| moment.as_second() > 0)
}
