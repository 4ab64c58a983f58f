//! What must be seen working, against the real tailscaled and headscale.

mod adoption;
mod another_server;
mod approval;
mod by_hand;
mod common;
mod conformance;
mod control_server;
mod daemon;
mod daemon_log;
mod dials;
mod interrupted;
mod keys;
mod machine;
mod node;
mod proc;
mod refusal;
mod scene;
mod search;
mod second_up;
mod secrets;
mod three_nodes;
mod two_clusters;
mod unfooled;
mod vpn_auth;
