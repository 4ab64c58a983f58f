//! Reads a secret from where its reference points, at the moment of need.
//!
//! An error names the place, never what was found there.

mod credential;
mod file;
mod keyring;

use std::fmt::Display;
use std::path::Path;

use provider_api::{Error, Result, Secret};

use crate::settings::SecretRef;

pub use file::{Guard, read_guarded};
pub use keyring::{Entry, Expiry, Keyring};

/// The value behind a reference, read now. `state` tells which keys of the keyring are ours.
///
/// # Errors
/// [`ErrorKind::Settings`](provider_api::ErrorKind::Settings) where the place cannot be read,
/// holds nothing, or can be read by others.
pub fn resolve(reference: &SecretRef, state: &Path) -> Result<Secret> {
    let found = match reference {
        SecretRef::Literal(secret) => return Ok(secret.clone()),
        SecretRef::File(path) => read_guarded(path)?,
        SecretRef::Env(name) => variable(name)?,
        SecretRef::Cred(name) => credential::read(name)?,
        SecretRef::Keyring(name) => Keyring::of(state).read(name)?,
    };
    one_line(reference, &found)
}

/// What somebody hands over on standard input, to its end.
///
/// # Errors
/// Where it is no short text.
pub fn read_stdin() -> Result<Secret> {
    file::read_text(Path::new("/dev/stdin"), std::io::stdin().lock())
}

fn variable(name: &str) -> Result<Secret> {
    use std::env::VarError;
    std::env::var(name).map(Secret::new).map_err(|error| match error {
        VarError::NotPresent => {
            Error::settings("secret-missing", format!("the environment has no variable {name}"))
                .fix(format!("set {name}, or point at a file: file:/etc/moorline/key"))
        }
        VarError::NotUnicode(_) => {
            Error::settings("secret-not-text", format!("env:{name} holds bytes that are no text"))
                .fix(format!("set {name} to the secret alone"))
        }
    })
}

/// The secret in what was found at a place: one line; the newline at its end belongs to the
/// place.
///
/// # Errors
/// Where there is nothing, or more than that; names the place.
pub fn one_line(place: &impl Display, found: &Secret) -> Result<Secret> {
    let text = found.expose();
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.trim().is_empty() {
        let what = format!("{place} is empty");
        return Err(Error::settings("secret-empty", what).fix("put the secret there"));
    }
    if text.contains(['\n', '\r', '\0']) {
        let what = format!("{place} holds more than one line");
        return Err(
            Error::settings("secret-lines", what).fix("keep the secret there, and nothing else")
        );
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Secret> {
        one_line(&SecretRef::File("/etc/moorline/key".into()), &Secret::new(text))
    }

    #[test]
    fn the_newline_at_the_end_is_cut() {
        for text in ["key", "key\n", "key\r\n"] {
            assert_eq!(line(text).expect(text), Secret::new("key"));
        }
    }

    #[test]
    fn nothing_and_too_much_are_errors_that_show_nothing() {
        for (text, what) in [
            ("", "file:/etc/moorline/key is empty"),
            (" \n", "file:/etc/moorline/key is empty"),
            ("key-1\nkey-2\n", "file:/etc/moorline/key holds more than one line"),
        ] {
            assert_eq!(line(text).expect_err(text).what, what);
        }
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let error = resolve(&SecretRef::Env("MOORLINE_NO_SUCH_KEY".into()), Path::new("/"))
            .expect_err("unset");
        assert_eq!(error.what, "the environment has no variable MOORLINE_NO_SUCH_KEY");
        let path = resolve(&SecretRef::Env("PATH".into()), Path::new("/")).expect("always set");
        assert_eq!(path.expose(), std::env::var("PATH").expect("always set"));
    }
}
