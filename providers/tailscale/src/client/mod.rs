//! tailscaled's LocalAPI: HTTP over a unix socket (`ipn/localapi/localapi.go`).

mod api;
mod error;
mod health;
mod notify;
mod status;
mod transport;
mod watch;

pub(crate) use api::LocalApi;
pub(crate) use error::{Cause, ClientError};
pub(crate) use notify::Notify;
pub(crate) use status::{PeerStatus, State, Status};
pub(crate) use transport::Version;
pub(crate) use watch::Notifications;
