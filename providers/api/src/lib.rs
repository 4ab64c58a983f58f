//! The contract between Moorline and a VPN provider.
//!
//! ```text
//!   host ── open(settings, host) ──▶ Provider ──▶ Network ── join, apply, observe, leave …
//!     ▲                                              │
//!     └────────── Host: progress, ledger, secrets ◀──┘
//! ```
//!
//! Every argument and every result here can be serialized, so a provider may live in another
//! process without any change of the contract: calls go one way as messages, the four
//! callbacks of [`Host`] go the other way. A [`Secret`] alone must be asked for by name:
//! [`exposed`] writes it, for the pipe between the two.
//!
//! This crate does no I/O and knows no runtime.

mod contract;
mod desired;
mod error;
mod finding;
mod host;
mod ledger;
mod manifest;
mod membership;
mod names;
mod observed;
mod plan;
mod policy;
mod secret;
mod settings;

pub use contract::{Event, Leave, Network, Provider, Repair};
pub use desired::{Desired, RouteMode};
pub use error::{Error, ErrorKind, Result};
pub use finding::{Finding, Severity};
pub use host::{Host, Step, StepState};
pub use ledger::{Enrolment, Ledger, LedgerEntry, OwnedSetting};
pub use manifest::{CONTRACT_VERSION, Capabilities, Key, Manifest, MarkRange, RouteProgrammer};
pub use membership::Membership;
pub use names::{ClusterName, InvalidName, NetworkName, NodeId, ProviderName};
pub use observed::{Control, Observed, OwnRoute, Path, Peer, RouteStage};
pub use plan::{Change, Plan};
pub use policy::{PolicyRequest, PolicySubject};
pub use secret::{Secret, exposed};
pub use settings::ProviderSettings;
