//! What the daemon says of its own health (`health/state.go:22`).

use std::collections::BTreeMap;

use serde::Deserialize;

/// The full set of warnings at one moment.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Health {
    /// By code; null where all is well.
    pub(crate) warnings: Option<BTreeMap<String, Warning>>,
}

/// One warning.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Warning {
    /// `high`, `medium` or `low`.
    pub(crate) severity: String,
    /// For people.
    pub(crate) text: String,
    /// Details by name, such as `error`.
    pub(crate) args: Option<BTreeMap<String, String>>,
    /// Whether traffic suffers.
    pub(crate) impacts_connectivity: bool,
}

impl Health {
    /// Why the last attempt to log in failed, where one did (`health/warnings.go:106`).
    pub(crate) fn login_error(&self) -> Option<&str> {
        let warning = self.warnings.as_ref()?.get("login-state")?;
        let error = warning.args.as_ref()?.get("error")?;
        (!error.is_empty()).then_some(error.as_str())
    }
}
