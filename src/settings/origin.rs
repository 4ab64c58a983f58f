//! Where a value was said.

use std::fmt;
use std::path::PathBuf;

use provider_api::Error;
use serde::{Deserialize, Serialize};

/// Where a value was said. Prints as an operator would look for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A flag of the command line, with its dashes.
    Flag(String),
    /// A variable of the environment.
    Environment(String),
    /// A file, and the key inside it; an empty key stands for the whole file.
    File {
        /// The file.
        path: PathBuf,
        /// The key, with dots.
        key: String,
    },
    /// Nowhere: it is what Moorline takes when nothing is said.
    Default,
}

impl Origin {
    /// A whole file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Origin::File { path: path.into(), key: String::new() }
    }

    /// The place of one key inside this place.
    #[must_use]
    pub fn at(&self, key: &str) -> Self {
        match self {
            Origin::File { path, key: outer } => {
                let dot = if outer.is_empty() { "" } else { "." };
                Origin::File { path: path.clone(), key: format!("{outer}{dot}{key}") }
            }
            Origin::Flag(_) | Origin::Environment(_) | Origin::Default => self.clone(),
        }
    }

    /// A settings error about what was said here.
    pub fn error(&self, code: &str, what: impl fmt::Display) -> Error {
        Error::settings(code, format!("{self}: {what}"))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) => write!(out, "flag {name}"),
            Origin::Environment(name) => write!(out, "environment {name}"),
            Origin::File { path, key } if key.is_empty() => write!(out, "{}", path.display()),
            Origin::File { path, key } => write!(out, "{} {key}", path.display()),
            Origin::Default => out.write_str("default"),
        }
    }
}

/// A value, and where it was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it was said.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// A value that was said here.
    pub fn new(value: T, origin: Origin) -> Self {
        Sourced { value, origin }
    }

    /// A value that nobody said.
    pub fn default(value: T) -> Self {
        Sourced { value, origin: Origin::Default }
    }

    /// Reads the value as something else, from the same place.
    ///
    /// # Errors
    /// Those of `read`, which is told the place.
    pub fn read<U>(
        &self,
        read: impl FnOnce(&T, &Origin) -> Result<U, Error>,
    ) -> Result<Sourced<U>, Error> {
        Ok(Sourced::new(read(&self.value, &self.origin)?, self.origin.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_reads_as_a_place() {
        let config = Origin::file("/etc/moorline/config.toml");
        let places = [
            (Origin::Flag("--pod-cidr".into()), "flag --pod-cidr"),
            (Origin::Environment("K3S_VPN_AUTH".into()), "environment K3S_VPN_AUTH"),
            (config.at("vpn-auth").at("joinKey"), "/etc/moorline/config.toml vpn-auth.joinKey"),
            (Origin::Default.at("cluster"), "default"),
        ];
        for (origin, text) in places {
            assert_eq!(origin.to_string(), text);
        }
    }
}
