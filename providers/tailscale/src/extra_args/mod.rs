//! `extraArgs`: the flags of `tailscale up` and `tailscale set`, as preferences. Pure.

mod flags;
mod parse;
mod values;

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde_json::Value;

pub use flags::{FLAGS, Flag};
pub(crate) use parse::parse;

/// What the operator asks for with `extraArgs`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ExtraArgs {
    /// Preferences to hold, by name.
    pub(crate) settings: BTreeMap<String, Value>,
    /// Prefixes to advertise beside the pod CIDRs.
    pub(crate) routes: Vec<IpNet>,
    /// The exit node to use, by address, name or `auto:any`; empty for none.
    pub(crate) exit_node: Option<String>,
}
