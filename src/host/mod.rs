//! The host: join, check, apply, observe, prove, tell.

mod report;
mod stage;

pub use report::{Kinship, LeaveReport, PeerReport, Proof, StatusReport, UpReport};
pub use stage::{Stage, UnknownStage};
