//! What was asked for, and where that was said.
//!
//! ```text
//!   flags ─┐
//!   environment ─┼─▶ Sources ── resolve ──▶ Settings ──▶ ProviderSettings
//!   config file ─┘   as typed               read, each with its origin
//! ```
//!
//! Pure: the files and the environment are read by the caller.

mod cidrs;
mod config;
#[cfg(test)]
pub(crate) mod example;
pub(crate) mod extra_args;
mod origin;
mod parse;
mod provider;
mod resolve;
mod rows;
mod secret_ref;
mod values;
mod vpn_auth;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use provider_api::{
    ClusterName, Error, Finding, NetworkName, ProviderName, ProviderSettings, RouteMode,
};
use serde::{Deserialize, Serialize};

pub use config::read as read_config;
pub use origin::{Origin, Sourced};
pub use parse::duration;
pub use provider::{provider, wanted};
pub use resolve::{DEFAULT_CLUSTER, cluster_cidrs, directories, metrics, resolve, restart_command};
pub use rows::{Row, rows};
pub use secret_ref::SecretRef;
pub use vpn_auth::VpnAuth;
pub use words::{Kind, Layer, Sources, Word};

use crate::stage::Stage;

/// Variables that hold a `--vpn-auth` string. They must agree.
pub const VPN_AUTH_VARIABLES: [&str; 2] = ["K3S_VPN_AUTH", "MOORLINE_VPN_AUTH"];
/// Variables that hold the path of a file with such a string.
pub const VPN_AUTH_FILE_VARIABLES: [&str; 2] = ["K3S_VPN_AUTH_FILE", "MOORLINE_VPN_AUTH_FILE"];

/// Everything that was asked for, each with its origin. Serialized, a literal secret in it stands
/// in the open: for the control socket, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The kind of VPN.
    pub provider: Sourced<ProviderName>,
    /// The provider's keys that are no secrets.
    pub keys: BTreeMap<String, Sourced<String>>,
    /// Where the provider's secrets are to be found.
    pub secrets: BTreeMap<String, Sourced<SecretRef>>,
    /// The provider's own flags, cut into words.
    pub extra_args: Sourced<Vec<String>>,
    /// The name that this node asks for; none leaves it to the provider.
    pub node_name: Option<Sourced<String>>,
    /// The cluster that the node belongs to.
    pub cluster: Sourced<ClusterName>,
    /// The cluster's pod CIDRs: each node's share lies inside.
    pub cluster_cidrs: Sourced<Vec<IpNet>>,
    /// The cluster's service CIDRs.
    pub service_cidrs: Sourced<Vec<IpNet>>,
    /// This node's own pod CIDRs; none for a member without pods.
    pub pod_cidrs: Sourced<Vec<IpNet>>,
    /// Who routes the pods' traffic.
    pub mode: Sourced<RouteMode>,
    /// The bridge that pods hang on.
    pub pod_bridge: Sourced<String>,
    /// The stage that `up` waits for; none for not waiting.
    pub wait: Sourced<Option<Stage>>,
    /// How long `up` waits for it.
    pub wait_for: Sourced<Duration>,
    /// How long a join may take before it is given up.
    pub join_deadline: Sourced<Duration>,
    /// Whether a node of another control server may be moved.
    pub allow_move: Sourced<bool>,
    /// Whether a node that an administrator put out may join again.
    pub allow_rejoin: Sourced<bool>,
    /// The command that starts the VPN's daemon anew. None leaves that to the service manager;
    /// one without words forbids it.
    pub restart_command: Option<Sourced<Vec<String>>>,
    /// The loopback address at which the service tells its metrics; none for none.
    pub metrics: Option<Sourced<SocketAddr>>,
    /// The directory of what is kept.
    pub state_dir: Sourced<PathBuf>,
    /// The directory of what lasts until the next boot.
    pub run_dir: Sourced<PathBuf>,
    /// What is worth knowing about the settings themselves.
    pub findings: Vec<Finding>,
}

impl Settings {
    /// The key of this network's state and ledger: the provider's name, as a node has one
    /// network of a kind.
    ///
    /// # Errors
    /// None, as long as both kinds of name follow the same rule.
    pub fn network(&self) -> Result<NetworkName, Error> {
        self.provider.value.as_str().parse().map_err(|error| Error::bug(format!("{error}")))
    }

    /// Whether nobody said where the services are.
    pub fn guesses_services(&self) -> bool {
        self.service_cidrs.origin == Origin::Default
    }

    /// The keys whose secret stands in the settings themselves. It is used, and never kept.
    pub fn literals(&self) -> BTreeSet<String> {
        let is_literal = |said: &Sourced<SecretRef>| matches!(said.value, SecretRef::Literal(_));
        self.secrets
            .iter()
            .filter(|(_, said)| is_literal(said))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// The settings as the provider takes them: without any secret.
    ///
    /// # Errors
    /// Those of [`Settings::network`].
    pub fn provider_settings(&self) -> Result<ProviderSettings, Error> {
        let plain = |(key, value): (&String, &Sourced<String>)| (key.clone(), value.value.clone());
        Ok(ProviderSettings {
            network: self.network()?,
            cluster_cidrs: self.cluster_cidrs.value.clone(),
            values: self.keys.iter().map(plain).collect(),
            secrets: self.secrets.keys().cloned().collect(),
            extra_args: self.extra_args.value.clone(),
            node_name: self.node_name.as_ref().map(|name| name.value.clone()),
            allow_move: self.allow_move.value,
            allow_rejoin: self.allow_rejoin.value,
            join_deadline: self.join_deadline.value,
        })
    }
}
