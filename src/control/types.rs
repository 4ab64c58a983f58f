//! What travels over the control socket.

use provider_api::{Error, Leave, Step};
use serde::{Deserialize, Serialize};

use crate::settings::Row;

/// The calls of this version. A change that an older client or service could misunderstand gets a
/// new version, beside this one.
pub mod call {
    /// `GET`: a [`Snapshot`](crate::host::Snapshot). With `?watch`, one line each time that it
    /// changes, and the present one first.
    pub const STATUS: &str = "/v1/status";
    /// `GET`: a list of findings.
    pub const FINDINGS: &str = "/v1/findings";
    /// `GET`: one [`Happening`](crate::host::Happening) a line, from now on.
    pub const EVENTS: &str = "/v1/events";
    /// `GET`: a [`SettingsReport`](super::SettingsReport).
    pub const SETTINGS: &str = "/v1/settings";
    /// `POST`: the [`Snapshot`](crate::host::Snapshot) after everything was looked at and the
    /// other nodes were asked.
    pub const RECONCILE: &str = "/v1/reconcile";
    /// `POST` [`Settings`](crate::settings::Settings): one [`Line`](super::Line) a step, and
    /// then the [`UpReport`](crate::host::UpReport).
    pub const UP: &str = "/v1/up";
    /// `POST` [`Leaving`](super::Leaving): the same, with the
    /// [`LeaveReport`](crate::host::LeaveReport).
    pub const LEAVE: &str = "/v1/leave";
}

/// One line of an answer that takes its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line<T> {
    /// How far it is.
    Step(Step),
    /// What it came to. The last line.
    Answer(T),
    /// Why it came to nothing. The last line.
    Error(Error),
}

/// What `leave` is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaving {
    /// How much to take back.
    pub how: Leave,
}

/// What the service wants, and where that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsReport {
    /// Each setting; none where the service keeps what an earlier `up` wanted.
    pub settings: Vec<Row>,
}

/// What is answered where a call fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Why.
    pub error: Error,
}
