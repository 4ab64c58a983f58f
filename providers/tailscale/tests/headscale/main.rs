//! What this crate writes for headscale and asks of it, against the real one.

mod control_api;
mod policy;
mod server;
