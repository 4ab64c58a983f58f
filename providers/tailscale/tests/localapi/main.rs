//! The provider against a tailscaled that is told what to do: joins, and every way in which a
//! daemon can answer otherwise than it should.

#[path = "../fake/mod.rs"]
mod fake;

mod joins;
mod node;
mod observes;
mod refusals;
mod toggles;
mod trouble;
