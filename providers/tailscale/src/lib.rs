//! The tailscale provider: joins through the local tailscaled's API, whoever runs the control
//! server behind it.
//!
//! ```text
//!   TailscaleProvider ── open ──▶ Tailscale: Network
//!                                  ├─ join        situation (pure) ─ login ─ membership
//!                                  ├─ apply       prefs (pure) ─ guard: ip rules, nftables
//!                                  ├─ observe     status + route_stage (pure)
//!                                  └─ client      LocalAPI over tailscaled's unix socket
//! ```

mod client;
pub mod control_api;
pub mod control_url;
pub mod extra_args;
mod guard;
mod join;
mod network;
pub mod policy;
mod prefs;
mod provider;
#[cfg(test)]
mod reference;
pub mod route_stage;
mod settings;

pub use provider::TailscaleProvider;
