//! What would change: a diff as a value.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What `join` and `apply` would change, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The changes; none where all is as desired.
    pub changes: Vec<Change>,
}

/// One change, for people: names and values, never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What changes, such as `tailscaled NoSNAT`.
    pub subject: String,
    /// What it is now; empty where there is nothing.
    pub from: String,
    /// What it would be; empty where it goes away.
    pub to: String,
    /// Why, in a few words.
    pub why: String,
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { subject, from, to, why } = self;
        match (from.is_empty(), to.is_empty()) {
            (true, _) => write!(out, "+ {subject}: {to}")?,
            (false, true) => write!(out, "- {subject}: {from}")?,
            (false, false) => write!(out, "~ {subject}: {from} -> {to}")?,
        }
        if why.is_empty() { Ok(()) } else { write!(out, "  ({why})") }
    }
}
