//! Errors, sorted by who must act.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What every call of the contract returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who must act, and whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The operator: a value given to Moorline is wrong.
    Settings,
    /// The operator: the key is wrong, expired, used up or missing.
    Auth,
    /// An administrator: somebody with authority said no, or must say yes first.
    Denied,
    /// The operator: somebody else has what we want.
    Conflict,
    /// Nobody here: this version, kernel or server cannot do it.
    Unsupported,
    /// Time, or whoever runs the daemon or server: it does not answer.
    Unavailable,
    /// We: this should not have happened.
    Bug,
}

impl ErrorKind {
    /// All kinds, in the order of the table in the documentation.
    pub const ALL: [ErrorKind; 7] = [
        ErrorKind::Settings,
        ErrorKind::Auth,
        ErrorKind::Denied,
        ErrorKind::Conflict,
        ErrorKind::Unsupported,
        ErrorKind::Unavailable,
        ErrorKind::Bug,
    ];

    /// The one table: retry after, process exit code, JSON-RPC error code.
    const fn row(self) -> (Option<Duration>, u8, i32) {
        match self {
            ErrorKind::Settings => (None, 2, -32010),
            ErrorKind::Auth => (None, 3, -32011),
            ErrorKind::Denied => (None, 4, -32012),
            ErrorKind::Conflict => (None, 5, -32013),
            ErrorKind::Unsupported => (None, 6, -32014),
            ErrorKind::Unavailable => (Some(Duration::from_secs(2)), 7, -32015),
            ErrorKind::Bug => (None, 70, -32603),
        }
    }

    /// How long to wait before trying again; none where trying again cannot help.
    pub const fn retry_after(self) -> Option<Duration> {
        self.row().0
    }

    /// The exit code of a command that ends with an error of this kind.
    pub const fn exit_code(self) -> u8 {
        self.row().1
    }

    /// The JSON-RPC error code of this kind, in the plugin protocol.
    pub const fn rpc_code(self) -> i32 {
        self.row().2
    }
}

/// An error that names its subject and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// Who must act.
    pub kind: ErrorKind,
    /// A stable word for this very trouble, such as `auth-key-expired`.
    pub code: String,
    /// What is wrong, naming the subject. One sentence without a full stop.
    pub what: String,
    /// The command or text that fixes it; may have several lines.
    pub fix: Option<String>,
}

impl Error {
    /// An error of this kind; `code` is stable and searchable.
    pub fn new(kind: ErrorKind, code: impl Into<String>, what: impl Into<String>) -> Self {
        Error { kind, code: code.into(), what: what.into(), fix: None }
    }

    /// The same error, saying what fixes it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// A value given to Moorline is wrong.
    pub fn settings(code: impl Into<String>, what: impl Into<String>) -> Self {
        Error::new(ErrorKind::Settings, code, what)
    }

    /// Something does not answer.
    pub fn unavailable(code: impl Into<String>, what: impl Into<String>) -> Self {
        Error::new(ErrorKind::Unavailable, code, what)
    }

    /// This should not have happened.
    pub fn bug(what: impl Into<String>) -> Self {
        Error::new(ErrorKind::Bug, "bug", what)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_its_own_exit_and_rpc_code() {
        let exits: BTreeSet<u8> = ErrorKind::ALL.iter().map(|kind| kind.exit_code()).collect();
        let rpcs: BTreeSet<i32> = ErrorKind::ALL.iter().map(|kind| kind.rpc_code()).collect();
        assert_eq!((exits.len(), rpcs.len()), (ErrorKind::ALL.len(), ErrorKind::ALL.len()));
        assert!(!exits.contains(&0) && !exits.contains(&1));
    }
}
