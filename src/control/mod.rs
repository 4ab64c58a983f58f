//! The control socket: how the running service is asked and told, over HTTP and JSON.
//!
//! ```text
//!   status, up, leave ─▶ client ──▶ control.sock ──▶ server ─▶ Desk ─▶ the loop
//!                        lines ◀── steps, events, snapshots ◀────┘
//! ```
//!
//! The server reads what the loop publishes, and gives orders; it changes nothing itself.

mod client;
mod feeds;
mod lines;
mod server;
mod socket;
mod types;

pub use client::Client;
pub use lines::Lines;
pub use server::Server;
pub use types::{Failed, Leaving, Line, SettingsReport, call};

#[cfg(test)]
mod tests;
