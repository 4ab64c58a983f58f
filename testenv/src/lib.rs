//! The lab: hosts in network namespaces on a small internet, with real daemons on them.
//!
//! ```text
//!   Lab ─▶ internet        one namespace that routes between the sites, loses packets on
//!    │                     request, and catches what tries to leave the lab
//!    ├──▶ Host             a namespace with its own /etc, /run and hostname, behind any NATs
//!    │     ├─ Tailscaled   the real daemon, and the `tailscale` command beside it
//!    │     ├─ moorline     the binary under test, run as on a node
//!    │     └─ Pod          a namespace on a bridge of the host: serves, fetches, pings
//!    └──▶ Headscale        the real control server, with its administrator's verbs
//! ```
//!
//! ```no_run
//! use testenv::{Lab, Nat};
//!
//! let Some(lab) = Lab::new("three nodes") else { return };
//! let headscale = lab.headscale().start();
//! let a = lab.host("a").start();
//! let b = lab.host("b").behind(Nat::Symmetric).start();
//! let key = headscale.user("k8s").reusable_key();
//! for host in [&a, &b] {
//!     host.tailscaled().join(&headscale, &key);
//! }
//! ```
//!
//! Beside it, without any machine: [`fake`], a VPN in memory or in a file, to be scripted, whose
//! provider is also served as a plugin by the program `fake-plugin`; and [`conformance`], what
//! every provider must do.
//!
//! Everything that a lab makes carries its id, and goes with it: after a pass, after a panic,
//! and after the process was killed.

pub mod conformance;
pub mod fake;
pub mod heal;

mod daemons;
mod lab;
mod memory_host;
mod promtool;
mod samples;
mod traffic;
mod until;

pub use daemons::{
    Authkey, Flanneld, Headscale, HeadscaleBuilder, Node, Systemd, Tailscaled, User,
};
pub use lab::{Fault, Hook, Host, HostBuilder, Lab, Moorline, Nat, Pod, Run, Running};
pub use memory_host::MemoryHost;
pub use promtool::promtool;
pub use samples::Samples;
pub use traffic::{Fetch, Pings, Traffic, Transfer};
pub use until::until;
