//! The canary: one pinned network namespace on the pod bridge, which the kernel answers for.

use std::path::PathBuf;

use ipnet::IpNet;
use provider_api::Change;

/// The canary of this node, as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// The bridge that it hangs on.
    pub bridge: String,
    /// The pod CIDRs that it has an address of.
    pub pod_cidrs: Vec<IpNet>,
    /// What the network carries, in bytes.
    pub mtu: u32,
    /// Where its namespace is pinned.
    pub namespace: PathBuf,
}

impl Canary {
    /// What [`Canary::ensure`] would change.
    pub async fn plan(&self) -> linux::Result<Vec<Change>> {
        Ok(Vec::new())
    }

    /// Makes it so, and tells what was changed.
    pub async fn ensure(&self) -> linux::Result<Vec<Change>> {
        Ok(Vec::new())
    }

    /// Removes what Moorline made, and tells what that was.
    pub async fn remove(&self) -> linux::Result<Vec<Change>> {
        Ok(Vec::new())
    }
}
