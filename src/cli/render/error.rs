//! An error: what is wrong, by which code, and what fixes it.

use std::io::{self, Write};

use provider_api::Error;
use serde::Serialize;

use super::{RED, labelled, plain, styled};

/// What a command answers with `--json` where it fails.
#[derive(Serialize)]
struct Failed<'a> {
    error: &'a Error,
}

/// Prints an error for people on standard error, and with `json` on standard output too: in one
/// line, since it may end a stream of them.
pub(in crate::cli) fn print(error: &Error, json: bool) -> io::Result<()> {
    anstream::stderr().lock().write_all(text(error).as_bytes())?;
    if json {
        let json = serde_json::to_string(&Failed { error })?;
        writeln!(anstream::stdout().lock(), "{json}")?;
    }
    Ok(())
}

fn text(error: &Error) -> String {
    let word = styled(RED, "error");
    let mut text = format!("{word}[{}]: {}\n", plain(&error.code), plain(&error.what));
    if let Some(fix) = &error.fix {
        text.push_str(&labelled("fix", fix));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstream::adapter::strip_str;

    #[test]
    fn an_error_reads_without_colour() {
        let error =
            Error::settings("x", "`joinKey` has no value").fix("give it one\nor leave it out");
        let text = text(&error);
        assert_eq!(
            strip_str(&text).to_string(),
            "error[x]: `joinKey` has no value\n  fix: give it one\n       or leave it out\n"
        );
        assert!(text.starts_with("\x1b[1m\x1b[31merror"), "{text:?}");
    }
}
