//! A provider in another process.
//!
//! ```text
//!   host process                                          plugin process
//!   Plugin ── open ──▶ network ─┐                       ┌─ serve ──▶ Provider ──▶ Network
//!                               ├─ lines of JSON-RPC ───┤
//!   Host ◀── ledger, secret … ──┘  over stdin, stdout   └─ ledger, secret … ◀── Host
//! ```
//!
//! [`Plugin`] is a [`Provider`](provider_api::Provider) whose calls are made by a child process;
//! [`serve()`] makes such a child of any provider. The protocol is in `docs/plugin-protocol.md`.

mod host;
mod serve;
mod wire;

pub use host::{Limits, Plugin};
pub use serve::{serve, serve_on};
pub use wire::PROTOCOL_VERSION;
