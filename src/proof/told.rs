//! Causes as findings: what is so, why it matters, what helps.

mod beyond;
mod firewall;
mod routing;
mod silence;
mod size;

use std::net::IpAddr;

use provider_api::{Finding, Severity};

use super::cause::Cause;
use super::evidence::{Between, Here};

/// Whose canary did not answer, and how bad that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) peer: &'a str,
    pub(super) canary: IpAddr,
    pub(super) severity: Severity,
    pub(super) between: Between,
}

impl Subject<'_> {
    /// Whom packets are to reach there.
    fn whom(&self) -> String {
        match self.between {
            Between::Pods => format!("{}'s pods", self.peer),
            Between::Nodes => self.peer.to_owned(),
        }
    }
}

/// The cause, for people.
pub(super) fn finding(cause: &Cause, subject: Subject<'_>, here: &Here) -> Finding {
    let Words { code, what, why, fix } = match cause {
        Cause::Routing(routing) => routing::words(routing, subject, here),
        Cause::Firewall { chain, rule, direction } => {
            firewall::words(chain, rule.as_deref(), *direction, here)
        }
        Cause::Lost { policies, direction } => {
            firewall::lost(policies.as_deref(), *direction, subject, here)
        }
        Cause::Size(size) => size::words(size, subject, here),
        Cause::Beyond(beyond) => beyond::words(beyond, subject),
    };
    Finding::new(subject.severity, code, what, why).fix(fix)
}

struct Words {
    code: &'static str,
    what: String,
    why: &'static str,
    fix: String,
}

impl Words {
    fn new(code: &'static str, what: String, fix: impl Into<String>) -> Self {
        let why = "pods here and there cannot reach each other";
        Words { code, what, why, fix: fix.into() }
    }

    fn why(self, why: &'static str) -> Self {
        Words { why, ..self }
    }
}
