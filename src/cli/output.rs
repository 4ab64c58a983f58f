//! What a command answers, where it is written, and how the process then ends.

use std::io::ErrorKind::BrokenPipe;
use std::io::{self, IsTerminal, Write};

use provider_api::Error;
use serde::Serialize;

use super::exit::Exit;
use super::render;

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

/// Whether a page can be drawn again in place.
pub(super) fn is_screen() -> bool {
    let obeys = |terminal: std::ffi::OsString| !terminal.is_empty() && terminal != "dumb";
    io::stdout().is_terminal() && std::env::var_os("TERM").is_some_and(obeys)
}

/// Draws a page in place of the one before. Who wants no colours wants this all the same.
pub(super) fn screen(page: &str) -> Result<(), Failure> {
    let rows = rustix::termios::tcgetwinsize(io::stdout()).map(|size| size.ws_row);
    let rows = rows.ok().map(usize::from).filter(|rows| *rows > 0).unwrap_or(24);
    let plain = anstream::adapter::strip_str(page).to_string();
    let colours = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
    let frame = render::watch::frame(if colours { page } else { &plain }, rows);
    let mut out = io::stdout().lock();
    out.write_all(frame.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes an answer for programs.
pub(super) fn json(answer: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(answer).map_err(|error| no_json(&error))?;
    text(&format!("{json}\n"))
}

/// Writes one of many answers for programs, in one line.
pub(super) fn json_line(answer: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string(answer).map_err(|error| no_json(&error))?;
    text(&format!("{json}\n"))
}

fn no_json(error: &serde_json::Error) -> Error {
    Error::bug(format!("an answer cannot be written as JSON: {error}"))
}

/// Prints a failure, and says how the process ends. A reader who went away is none.
pub(super) fn end(answer: Answer, json: bool) -> Exit {
    let error = match answer {
        Ok(exit) => return exit,
        Err(Failure::Output(error)) if error.kind() == BrokenPipe => return Exit::Done,
        Err(Failure::Output(error)) => {
            Error::unavailable("output", format!("cannot write the answer: {error}"))
        }
        Err(Failure::Error(error)) => error,
    };
    // Nothing is left to tell it to, where even this cannot be written.
    let _ = render::error::print(&error, json);
    Exit::Failed(error.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_who_went_away_is_no_failure() {
        let gone = io::Error::from(BrokenPipe);
        assert_eq!(end(Err(Failure::Output(gone)), false), Exit::Done);
    }
}
