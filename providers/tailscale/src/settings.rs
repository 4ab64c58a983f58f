//! The settings of one tailnet, parsed.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use provider_api::{Error, ProviderSettings, Result};

use crate::control_url::ControlUrl;
use crate::extra_args::{self, ExtraArgs};

/// Where tailscaled listens unless told otherwise (`paths/paths.go:24`).
pub(crate) const DEFAULT_SOCKET: &str = "/var/run/tailscale/tailscaled.sock";

/// The keys in `--vpn-auth`.
pub(crate) mod key {
    pub(crate) const JOIN_KEY: &str = "joinKey";
    pub(crate) const CONTROL_SERVER: &str = "controlServerURL";
    pub(crate) const SOCKET: &str = "socket";
    pub(crate) const CONTROL_API_KEY: &str = "controlAPIKey";
}

/// What the operator wants of this tailnet.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// tailscaled's socket.
    pub(crate) socket: PathBuf,
    /// The control server; none leaves an enrolled node where it is, and takes a fresh one to
    /// Tailscale's own.
    pub(crate) control: Option<ControlUrl>,
    /// The cluster's CIDRs, for exact advice.
    pub(crate) cluster_cidrs: Vec<IpNet>,
    /// Flags of `tailscale up` and `tailscale set`.
    pub(crate) extra: ExtraArgs,
    /// The name to ask for.
    pub(crate) node_name: Option<String>,
    /// Whether the node may be moved here from another control server.
    pub(crate) allow_move: bool,
    /// Whether the node may undo an administrator's logout, deletion or expiry.
    pub(crate) allow_rejoin: bool,
    /// How long a join may take.
    pub(crate) join_deadline: Duration,
}

impl Settings {
    /// Parses the settings. Pure.
    pub(crate) fn parse(settings: &ProviderSettings) -> Result<Self> {
        let value = |name: &str| settings.values.get(name).map(String::as_str);
        Ok(Settings {
            socket: socket(value(key::SOCKET))?,
            control: value(key::CONTROL_SERVER).map(str::parse).transpose()?,
            cluster_cidrs: settings.cluster_cidrs.clone(),
            extra: extra_args::parse(&settings.extra_args)?,
            node_name: settings.node_name.clone(),
            allow_move: settings.allow_move,
            allow_rejoin: settings.allow_rejoin,
            join_deadline: settings.join_deadline,
        })
    }
}

fn socket(given: Option<&str>) -> Result<PathBuf> {
    let path = PathBuf::from(given.unwrap_or(DEFAULT_SOCKET));
    if path.is_absolute() {
        return Ok(path);
    }
    let what = format!("socket=`{}` is no absolute path", path.display());
    Err(Error::settings("socket-path", what).fix(format!("socket={DEFAULT_SOCKET}")))
}
