//! What Moorline remembers between runs: one file, replaced whole.
//!
//! ```text
//! /var/lib/moorline/          0700
//!   lock                      held by whoever changes things
//!   state.json                0600, versioned, keyed by network; holds no secret
//! ```

mod directory;
#[cfg(test)]
pub(super) mod example;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use provider_api::{
    ClusterName, Desired, Ledger, Membership, NetworkName, ProviderName, ProviderSettings,
};
use serde::{Deserialize, Serialize};

use crate::host::Proof;
pub(super) use directory::PATIENCE;
pub use directory::{StateDirectory, StateLock};

/// The version of the state file that this program writes.
pub const STATE_VERSION: u32 = 1;

/// Everything that is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    version: u32,
    /// What is known of each network that this node has joined.
    pub networks: BTreeMap<NetworkName, NetworkState>,
    /// Networks that this node takes no part in any more, and that Moorline enrolled it in: a
    /// later `up` or `leave` finds there that it may log the node out.
    #[serde(default)]
    pub withdrawn: BTreeMap<NetworkName, NetworkState>,
    /// Kernel settings that stayed changed when a network was left, with what they were before.
    #[serde(default)]
    pub sysctls: BTreeMap<String, String>,
}

impl Default for State {
    fn default() -> Self {
        State {
            version: STATE_VERSION,
            networks: BTreeMap::new(),
            withdrawn: BTreeMap::new(),
            sysctls: BTreeMap::new(),
        }
    }
}

/// What is remembered of one network: enough to tell, and to take back, without any flag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkState {
    /// The kind of VPN.
    pub provider: ProviderName,
    /// The settings that it was opened with.
    pub settings: ProviderSettings,
    /// The references to secrets, such as `file:/etc/moorline/key`. A literal is never here.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// The keys whose secret was given as it is, and is not kept.
    #[serde(default)]
    pub literals: BTreeSet<String>,
    /// The cluster that the node belongs to.
    pub cluster: ClusterName,
    /// The cluster's service CIDRs.
    #[serde(default)]
    pub service_cidrs: Vec<IpNet>,
    /// What was last asked of the network.
    pub desired: Desired,
    /// The bridge that pods hang on.
    pub pod_bridge: String,
    /// What the node became; none before the first join.
    #[serde(default)]
    pub membership: Option<Membership>,
    /// What was changed in the network's daemon.
    #[serde(default)]
    pub ledger: Ledger,
    /// Kernel settings that were changed, with what they were.
    #[serde(default)]
    pub sysctls: BTreeMap<String, String>,
    /// The addresses that were added to bridges of somebody else, by bridge.
    #[serde(default)]
    pub lent: BTreeMap<String, BTreeSet<IpNet>>,
    /// Bridges of ours that pods hung on before, under other names.
    #[serde(default)]
    pub earlier_bridges: BTreeSet<String>,
    /// The last proof.
    #[serde(default)]
    pub proof: Option<Proof>,
}

impl NetworkState {
    /// Whether a proof made under the one holds under the other.
    pub(super) fn wants_the_same(&self, other: &NetworkState) -> bool {
        self.desired == other.desired && self.cluster == other.cluster
    }

    /// The bridges of ours that are of no more use to a node that wants this one.
    pub(super) fn earlier_bridges(&self, wanted: &str) -> BTreeSet<String> {
        let mut earlier = self.earlier_bridges.clone();
        earlier.insert(self.pod_bridge.clone());
        earlier.remove(wanted);
        earlier
    }

    /// The same wishes, with what was learned and changed on the other's behalf.
    #[must_use]
    pub(super) fn with_memory_of(self, other: NetworkState) -> NetworkState {
        let NetworkState { membership, ledger, sysctls, lent, .. } = other;
        NetworkState { membership, ledger, sysctls, lent, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As version 1 was written first, with something in every field.
    const FIRST: &str = include_str!("../../tests/state/v1/state.json");

    #[test]
    fn a_state_of_version_1_is_read_and_written_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let directory = StateDirectory::new(folder.path());
        std::fs::write(directory.file(), FIRST).unwrap();
        let state = directory.load().unwrap();
        directory.store(&state).unwrap();
        let written = std::fs::read_to_string(directory.file()).unwrap();
        assert_eq!(written, FIRST, "what has another shape needs a version, and a file of its own");
    }
}
