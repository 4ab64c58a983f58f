//! The `moorline` command as a process, without a lab and without root.

mod answers;
mod machine;
mod plugins;
mod sources;
mod unit;
mod vpn_auth;
