//! What a command answers, and where it is written.

use std::io::{self, Write};

use provider_api::Error;
use serde::Serialize;

use super::exit::Exit;

/// What a command comes to.
pub(super) type Answer = Result<Exit, Failure>;

/// Why a command has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// What it did failed.
    Error(Error),
    /// What it had to say could not be written.
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Error(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

/// Writes an answer for people.
pub(super) fn text(answer: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    out.write_all(answer.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes an answer for programs.
pub(super) fn json(answer: &impl Serialize) -> Result<(), Failure> {
    let mut json = serde_json::to_string_pretty(answer)
        .map_err(|error| Error::bug(format!("an answer cannot be written as JSON: {error}")))?;
    json.push('\n');
    text(&json)
}
