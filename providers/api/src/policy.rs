//! What an operator asks of a control server's policy.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// What the policy text is to allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRequest {
    /// The cluster's CIDRs, both families: each node's pod CIDRs lie inside them.
    pub cluster_cidrs: Vec<IpNet>,
    /// Whose nodes they are.
    pub subject: PolicySubject,
    /// The kind of control server, in the provider's words, where it has more than one.
    pub server: Option<String>,
}

/// Whose nodes the policy is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicySubject {
    /// Nodes that carry this tag.
    Tag(String),
    /// Nodes of this user.
    User(String),
}
