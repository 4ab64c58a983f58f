//! Proof that a packet crosses from pod to pod: the canary, the probes, the verdict.

mod verdict;

pub use verdict::{Crossing, Outcome, PeerVerdict, Verdict};
