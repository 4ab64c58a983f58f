//! One health fact.

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; nothing is broken.
    Info,
    /// It works now, and something will break it.
    Warning,
    /// Traffic does not flow, or would not.
    Error,
}

/// One health fact: what is so, why it matters, what helps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// A stable word, such as `route-not-approved`.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is so, naming the subject. One sentence without a full stop.
    pub what: String,
    /// Why it matters. One sentence without a full stop.
    pub why: String,
    /// The command or policy stanza that helps; may have several lines.
    pub fix: Option<String>,
}

impl Finding {
    /// A finding without a fix yet.
    pub fn new(
        severity: Severity,
        code: impl Into<String>,
        what: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Finding { code: code.into(), severity, what: what.into(), why: why.into(), fix: None }
    }

    /// The same finding, with the command or stanza that helps.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}
