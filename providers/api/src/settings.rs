//! The settings of one network, as the host hands them to its provider.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::NetworkName;

/// The settings of one network. Holds no secret, only which ones are set: the values are
/// asked of the [`Host`](crate::Host) at the moment of need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSettings {
    /// The key of this network's state and ledger.
    pub network: NetworkName,
    /// The CIDRs of the cluster that the network is for: what advice and policy texts name.
    #[serde(default)]
    pub cluster_cidrs: Vec<IpNet>,
    /// The values of the provider's keys that are no secrets, by key.
    pub values: BTreeMap<String, String>,
    /// The secret keys that are set.
    pub secrets: BTreeSet<String>,
    /// `extraArgs`, cut into words.
    pub extra_args: Vec<String>,
    /// The name that this node asks for; none leaves it to the provider.
    pub node_name: Option<String>,
    /// Whether a node that belongs to another control server may be moved.
    pub allow_move: bool,
    /// Whether a node that an administrator logged out, deleted or let expire may join again.
    pub allow_rejoin: bool,
    /// How long a join may take before it is given up.
    pub join_deadline: Duration,
}
