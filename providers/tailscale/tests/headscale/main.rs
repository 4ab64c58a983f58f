//! What this crate writes for headscale and asks of it, against the real one.

mod policy;
mod server;
