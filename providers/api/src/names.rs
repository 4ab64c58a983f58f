//! Names that are more than text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name with a character that names cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{kind} name `{name}` must be 1 to 63 lower-case letters, digits and `-`, starting with a letter"
)]
pub struct InvalidName {
    kind: &'static str,
    name: String,
}

/// Whether `name` can be a folder, a label and a part of a DNS name.
fn is_label(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-')
}

macro_rules! label {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(name: &str) -> Result<Self, InvalidName> {
                if is_label(name) {
                    Ok($name(name.to_owned()))
                } else {
                    Err(InvalidName { kind: $kind, name: name.to_owned() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(name: String) -> Result<Self, InvalidName> {
                name.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

label!(
    /// The name of a kind of VPN: the word in `--vpn-auth name=...`.
    ProviderName,
    "provider"
);
label!(
    /// The name of one VPN that this node is a member of: the key of settings, state and ledger.
    NetworkName,
    "network"
);
label!(
    /// The name of the cluster that a node belongs to.
    ClusterName,
    "cluster"
);

/// A node's id at the control server: text that only the provider understands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(String);

impl NodeId {
    /// The id as the control server writes it.
    pub fn new(id: impl Into<String>) -> Self {
        NodeId(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_label() {
        for good in ["default", "wireguard-native", "k8s"] {
            assert!(good.parse::<ProviderName>().is_ok(), "{good}");
        }
        for bad in ["", "Tail", "a b", "../x", "-a", "a-", "ä", &"a".repeat(64)] {
            assert!(bad.parse::<ClusterName>().is_err(), "{bad}");
        }
    }
}
