//! What keeps other traffic whole while tailscaled routes the pods': rules in front of its
//! routing table, and source translation for an admin's own routes.

mod rules;
mod snat;

pub(crate) use rules::{RULE_PRIORITY, protected};
pub(crate) use snat::Snat;
