//! Where a secret is to be found.

use std::fmt;
use std::path::PathBuf;

use provider_api::{Error, Secret};
use serde::{Deserialize, Serialize};

use super::origin::Origin;

/// Where a secret is to be found. Only a literal holds the secret itself, and does not show it;
/// serialized it stands in the open: for the control socket, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretRef {
    /// The secret itself, as it was typed.
    #[serde(with = "provider_api::exposed")]
    Literal(Secret),
    /// `file:PATH`: the content of a file that only its owner can read.
    File(PathBuf),
    /// `env:NAME`: a variable of the environment.
    Env(String),
    /// `cred:NAME`: a systemd credential of the service.
    Cred(String),
    /// `keyring:NAME`: an entry of the kernel's keyring.
    Keyring(String),
}

impl SecretRef {
    /// Reads a value of a secret key. What is no reference is a literal.
    ///
    /// # Errors
    /// A reference to nothing, or to a place that cannot be; never shows a literal.
    pub fn parse(text: &str, origin: &Origin) -> Result<Self, Error> {
        let Some((kind, name)) = text.split_once(':') else {
            return Ok(SecretRef::literal(text));
        };
        match kind {
            "file" => file(name, origin),
            "env" => named("env:", name, origin, is_variable).map(SecretRef::Env),
            "cred" => named("cred:", name, origin, is_file_name).map(SecretRef::Cred),
            "keyring" => SecretRef::in_keyring(name, origin).map(SecretRef::Keyring),
            _ => Ok(SecretRef::literal(text)),
        }
    }

    /// Reads the name in `keyring:NAME`.
    ///
    /// # Errors
    /// What no key there can be called; not shown, since it may be the key.
    pub fn in_keyring(name: &str, origin: &Origin) -> Result<String, Error> {
        named("keyring:", name, origin, is_description)
    }

    fn literal(text: &str) -> Self {
        SecretRef::Literal(Secret::new(text))
    }
}

/// For people: the reference, and `(literal, not shown)` for a literal.
impl fmt::Display for SecretRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretRef::Literal(_) => out.write_str("(literal, not shown)"),
            SecretRef::File(path) => write!(out, "file:{}", path.display()),
            SecretRef::Env(name) => write!(out, "env:{name}"),
            SecretRef::Cred(name) => write!(out, "cred:{name}"),
            SecretRef::Keyring(name) => write!(out, "keyring:{name}"),
        }
    }
}

fn file(path: &str, origin: &Origin) -> Result<SecretRef, Error> {
    let path = PathBuf::from(path);
    if path.is_absolute() {
        return Ok(SecretRef::File(path));
    }
    Err(origin
        .error("secret-ref", "`file:` must be followed by an absolute path")
        .fix("write the path from the root, as in file:/etc/moorline/key"))
}

fn named(
    prefix: &str,
    name: &str,
    origin: &Origin,
    good: impl Fn(&str) -> bool,
) -> Result<String, Error> {
    if good(name) {
        return Ok(name.to_owned());
    }
    let what = format!("`{prefix}` is followed by what cannot be a name there");
    Err(origin
        .error("secret-ref", what)
        .fix(format!("write {prefix}NAME, as in {prefix}moorline-key")))
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_file_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !matches!(name, "" | "." | "..") && name.len() <= 255 && name.chars().all(plain)
}

/// What a key's description may be, without what a shell or a terminal would take for its own.
fn is_description(name: &str) -> bool {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '@' | '/');
    !name.is_empty() && name.len() <= 255 && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SecretRef, Error> {
        SecretRef::parse(text, &Origin::Flag("--vpn-auth".into()))
    }

    #[test]
    fn a_reference_reads_as_it_was_written() {
        for text in ["file:/etc/moorline/key", "env:KEY_1", "cred:join.key", "keyring:moorline"] {
            assert_eq!(parse(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_a_literal_that_is_not_shown() {
        for text in ["tskey-auth-abc", "vault:abc", "a=b", "https://x"] {
            let literal = parse(text).expect(text);
            assert_eq!(literal, SecretRef::Literal(Secret::new(text)));
            assert!(!format!("{literal} {literal:?}").contains(text), "{literal:?}");
        }
    }

    #[test]
    fn a_reference_to_nothing_is_an_error() {
        for text in [
            "file:",
            "file:key",
            "env:",
            "env:A-B",
            "cred:",
            "cred:../x",
            "keyring:",
            "keyring:a b",
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.code, "secret-ref");
            assert!(error.what.starts_with("flag --vpn-auth: `"), "{error}");
        }
    }
}
