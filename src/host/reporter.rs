//! Who is told how a command gets on.

use provider_api::Step;

/// Told of each step as it happens: a terminal, a pipe, or nobody.
pub trait Reporter: Send + Sync {
    /// A step began, waits, or is done.
    fn step(&self, step: &Step);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn step(&self, _step: &Step) {}
}
