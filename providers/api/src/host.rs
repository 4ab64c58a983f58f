//! What a network may ask of the host that opened it.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Ledger, LedgerEntry, Result, Secret};

/// The host, as a network sees it. Four callbacks, all of them plain messages.
#[async_trait]
pub trait Host: Send + Sync {
    /// Tells the people who wait how far a call has come.
    fn progress(&self, step: Step);

    /// What earlier calls recorded for this network.
    async fn ledger(&self) -> Result<Ledger>;

    /// Writes one entry. When this returns, the entry is on disk: record first, change after.
    async fn record(&self, entry: LedgerEntry) -> Result<()>;

    /// The value behind a secret key of the settings, read now; none where it is not set.
    /// Asked for at the moment of need and not kept.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](crate::ErrorKind::Settings), naming the file or variable that
    /// cannot be read.
    async fn secret(&self, key: &str) -> Result<Option<Secret>>;
}

/// One step of a call, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// A stable word, such as `login`. A later step with the same word replaces the earlier.
    pub id: String,
    /// What is being done, or was done, in a few words.
    pub text: String,
    /// How far it is.
    pub state: StepState,
}

impl Step {
    /// A step that begins now.
    pub fn begin(id: impl Into<String>, text: impl Into<String>) -> Self {
        Step { id: id.into(), text: text.into(), state: StepState::Running }
    }

    /// A step that is done.
    pub fn done(id: impl Into<String>, text: impl Into<String>) -> Self {
        Step { id: id.into(), text: text.into(), state: StepState::Done }
    }
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Under way.
    Running,
    /// Under way, and expected to take about this long.
    Waiting {
        /// How long it usually takes.
        about: Duration,
    },
    /// Nothing goes on until somebody acts.
    Pending {
        /// Who must do what.
        reason: String,
        /// Where, if there is a page for it.
        url: Option<String>,
    },
    /// Over, and well.
    Done,
}
