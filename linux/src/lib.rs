//! Linux, as the host and its providers see it: typed, idempotent, and without a decision of
//! its own.
//!
//! ```text
//!   Netlink ── link, route, rule        what is there; what differs; the writes that mend it
//!   Namespace                           a network namespace pinned at a path
//!   monitor                             what the kernel tells of changes in all of that
//!   sysctl, nftables                    of the namespace that the calling thread is in
//!   icmp                                echoes of exact size from inside a namespace
//! ```
//!
//! Everything acts on the network namespace of the calling thread, unless it takes a
//! [`Namespace`]. To do many things in another one, run them with [`Namespace::run_async`].

mod error;
mod family;
pub mod icmp;
mod kernel;
pub mod link;
pub mod monitor;
mod namespace;
mod netlink;
pub mod nftables;
pub mod route;
pub mod rule;
pub mod sysctl;

pub use error::{Error, Result};
pub use family::Family;
pub use namespace::Namespace;
pub use netlink::Netlink;

#[cfg(test)]
mod testing;
