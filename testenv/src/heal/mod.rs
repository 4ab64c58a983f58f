//! Faults of a node, each with what `moorline run` is to make of it: one table, to which the
//! tests hold the service, and by which the bench times it.

mod control;
mod daemon;
mod elsewhere;
mod kernel;
mod put_out;
mod row;
mod site;

pub use control::{ABROAD, CONTROL};
pub use daemon::{DAEMON, DAEMON_BY_HAND};
pub use kernel::KERNEL;
pub use put_out::{PUT_OUT, REJOINED};
pub use row::{Outcome, Row};
pub use site::{Met, Site, Way};
