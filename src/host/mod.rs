//! The host: join, check, apply, observe, prove, tell.
//!
//! ```text
//!   up, status, leave,      one file a command, top to bottom
//!   doctor
//!     establish             join, check, make it so
//!     open                  settings or state ─▶ an open network
//!     session, state        what is remembered, and the provider's callbacks
//!     facts                 what the machine looks like
//!     takeover              a pod CIDR that somebody else has
//!     pod_network           the bridge, the canary, forwarding
//!     probing, unprobed     whom to probe, and why nobody could be asked
//!     judge, kinship        pure: the stage; who belongs to this cluster
//!     run, supervise         the service: a loop that keeps it so
//!     telling, report       what the commands answer
//! ```

mod directories;
mod doctor;
mod establish;
#[cfg(test)]
pub(crate) mod example;
mod facts;
mod judge;
mod kinship;
mod leave;
mod open;
mod pod_network;
mod probing;
mod report;
mod reporter;
mod run;
mod session;
mod state;
mod status;
mod supervise;
mod survey;
mod takeover;
mod telling;
mod unprobed;
mod up;

pub use crate::stage::{Stage, UnknownStage};
pub use directories::Directories;
pub use doctor::{Diagnosis, examine, mend, unknown};
pub use facts::{Facts, Forwarding, LinkFact, RuleFact};
pub use kinship::{Own, bond, kinship};
pub use leave::{abandon, leave};
pub use pod_network::sweep;
pub use report::{Kinship, LeaveReport, PeerReport, Proof, StatusReport, UpReport};
pub use reporter::{Reporter, Silent};
pub use run::{Desk, Happening, Order, Service, ServiceReport, Snapshot, What, Wishes, ending};
#[cfg(test)]
pub(crate) use run::{Publisher, desk};
use session::Session;
use state::PATIENCE;
pub use state::{NetworkState, STATE_VERSION, State, StateDirectory, StateLock};
pub use status::{Patience, status};
pub use supervise::Tasks;
pub use survey::{KernelFact, NameserverFact, SocketFact, Survey};
pub use up::{plan, up};
