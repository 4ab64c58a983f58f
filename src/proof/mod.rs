//! Proof that a packet crosses from pod to pod.
//!
//! ```text
//!   Canary     one namespace on the pod bridge, for which the kernel answers
//!   Responder  of a running host, in the canary: tells kin which node it is, strangers that
//!              they are strangers
//!   Watcher    pure: whom the running host asks when, and what all answers came to
//!   prove ──▶  prober     asks the peers' canaries: small and full packets, both families
//!              line       asks their responders; echoes go where none answers
//!              masquerade whether requests leave with the address that they had
//!              trouble    looks closer where one does not answer: echoes, counters, traces
//!              verdict    a pure function of the evidence; causes as findings
//! ```

mod addresses;
mod canary;
mod cause;
mod counters;
mod echoes;
mod evidence;
mod line;
mod masquerade;
mod prober;
mod request;
mod responder;
mod surroundings;
mod target;
mod told;
mod trouble;
mod verdict;
mod watch;

pub use addresses::{canary as canary_address, gateway as gateway_address};
pub use canary::{Canary, causes, own_bridges, pods_on, remove_bridge, take_off};
pub use evidence::{
    Between, CanaryEvidence, Counted, Evidence, Here, PeerEvidence, Setting, Trouble,
};
pub use line::{Word, ask};
pub use prober::{Round, glance, probe, prove};
pub use request::Request;
pub use responder::{ClusterKey, Heard, Identity, KeyId, RESPONDER_PORT, Responder, Seat};
pub use surroundings::PASSING_CHAIN;
pub use verdict::{Crossing, Kin, Outcome, PeerVerdict, Quality, Verdict, judge};
pub use watch::{Limits, Watcher};
