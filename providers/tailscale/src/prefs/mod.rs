//! tailscaled's preferences: what they are, what differs, what of them is ours. Pure.
//!
//! ```text
//!   owned + extraArgs ──▶ Want ─┐
//!   ledger ─────────────────────┼─ settle ──▶ changes ──▶ one masked PATCH
//!   preferences now ────────────┘        └──▶ ledger entries before and after
//! ```

mod change;
mod owned;
mod raw;
mod routes;
mod settle;

pub(crate) use change::{PrefChange, changed, diff, masked};
pub(crate) use owned::{OWNED, wanted};
pub(crate) use raw::Prefs;
pub(crate) use settle::{
    APART, ENROLMENT, LOGIN, RULES, Settlement, TOGGLE, TRANSLATION, Want, hold, settle,
};
