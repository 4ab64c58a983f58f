//! Proof that a packet crosses from pod to pod: the canary, the probes, the verdict.

mod canary;
mod prober;
mod request;
mod verdict;

pub use canary::Canary;
pub use prober::prove;
pub use request::Request;
pub use verdict::{Crossing, Outcome, PeerVerdict, Verdict};
