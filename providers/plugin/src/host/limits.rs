//! How much a plugin may take.

use std::time::Duration;

use crate::wire::{LONGEST_LINE, Request};

/// How much time and room a plugin may take, before its call or the plugin itself is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// For starting and introducing itself.
    pub startup: Duration,
    /// For `open` and `policy`, which do no I/O; and beyond its own deadline, for a join.
    pub parse: Duration,
    /// For `plan` and `observe`.
    pub look: Duration,
    /// For `apply`, `repair`, `leave` and `diagnose`.
    pub change: Duration,
    /// For ending a call that was cancelled, and for ending at the end of input.
    pub end: Duration,
    /// The longest line, in bytes.
    pub line: usize,
    /// Messages a second, on the long run; every further 4 KiB of a message count as one more.
    pub messages: u32,
    /// As many at once.
    pub burst: u32,
    /// The wait before the second start in a row of a plugin that dies; doubled from death to
    /// death. The first start after a death waits for nothing.
    pub backoff: Duration,
    /// The longest such wait; a plugin that lived for longer starts afresh.
    pub backoff_most: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            startup: Duration::from_secs(10),
            parse: Duration::from_secs(5),
            look: Duration::from_secs(10),
            change: Duration::from_secs(60),
            end: Duration::from_millis(500),
            line: LONGEST_LINE,
            messages: 500,
            burst: 4000,
            backoff: Duration::from_secs(1),
            backoff_most: Duration::from_secs(60),
        }
    }
}

impl Limits {
    /// How long this request of a network may take; none where it takes as long as it is wanted.
    pub(super) fn of(&self, request: &Request, join: Duration) -> Option<Duration> {
        match request {
            Request::Initialize(_) => Some(self.startup),
            Request::Open { .. } | Request::Policy(_) => Some(self.parse),
            Request::Plan { .. } | Request::Observe { .. } => Some(self.look),
            Request::Join { .. } => Some(join + self.parse),
            Request::Apply { .. }
            | Request::Repair { .. }
            | Request::Leave { .. }
            | Request::Diagnose { .. } => Some(self.change),
            Request::Events { .. } => None,
        }
    }
}
