//! A secret: cannot be printed, is wiped when dropped.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A secret value. `Debug` shows nothing of it, there is no `Display`, it cannot be
/// serialized, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a value, on the line that reads it.
    pub fn new(value: impl Into<String>) -> Self {
        Secret(SecretString::from(value.into()))
    }

    /// The value itself: only for the one who must send it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret([redacted])")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        let secret = Secret::new("tskey-auth-abc");
        assert_eq!(format!("{secret:?}"), "Secret([redacted])");
    }
}
