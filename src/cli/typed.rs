//! From the words of a command line to [`Cli`].

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;

/// Reads a command line. Where it asks for help, or is wrong, the text is printed and the exit
/// code is the answer.
///
/// # Errors
/// The exit code: 0 after help, 2 after a fault.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, ExitCode> {
    Cli::try_parse_from(words).map_err(|error| {
        let error = without_values(error);
        // Nothing is left to tell it to, where even this cannot be written.
        let _ = error.print();
        u8::try_from(error.exit_code()).unwrap_or(2).into()
    })
}

/// A word in the wrong place may hold a key: only what stands before its `=` is shown.
fn without_values(mut error: clap::Error) -> clap::Error {
    for kind in [ContextKind::InvalidArg, ContextKind::InvalidSubcommand] {
        let Some(ContextValue::String(word)) = error.get(kind) else { continue };
        if let Some((name, _)) = word.split_once('=') {
            let shown = format!("{name}=...");
            error.insert(kind, ContextValue::String(shown));
        }
    }
    if error.kind() == ErrorKind::TooManyValues {
        error.insert(ContextKind::InvalidValue, ContextValue::String("...".to_owned()));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(words: &[&str]) -> String {
        let words = std::iter::once("moorline").chain(words.iter().copied());
        without_values(Cli::try_parse_from(words).expect_err("a fault")).to_string()
    }

    #[test]
    fn a_key_in_the_wrong_place_is_not_shown() {
        for words in [
            ["up", "name=tailscale,joinKey=tskey-1"].as_slice(),
            &["name=tailscale,joinKey=tskey-1"],
            &["up", "--vpn-auht=name=tailscale,joinKey=tskey-1"],
            &["up", "--vpn-auth", "name=tailscale", "joinKey=tskey-1"],
            &["status", "--json=tskey-1"],
        ] {
            let fault = fault(words);
            assert!(!fault.contains("tskey-1"), "{fault}");
        }
    }
}
