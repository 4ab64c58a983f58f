//! The tailscale provider: joins through the local tailscaled's API, whoever runs the control
//! server behind it.

pub mod control_url;
pub mod policy;
