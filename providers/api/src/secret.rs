//! A secret: cannot be printed, is wiped when dropped.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A secret value. `Debug` shows nothing of it, there is no `Display`, it is serialized only
/// through [`exposed`], and its memory is wiped when it is dropped.
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

/// Writes a secret in the open: for the pipe to a provider in another process, and nothing
/// else. To be named where it is meant: `#[serde(with = "provider_api::exposed")]`.
pub mod exposed {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Secret;

    /// Writes the value itself.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(secret.expose())
    }

    /// Reads a value, and wraps it.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        String::deserialize(from).map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_asks_for_it_by_name_can_send_it() {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Answer {
            #[serde(with = "exposed")]
            secret: Secret,
        }
        let sent = serde_json::to_string(&Answer { secret: Secret::new("key") }).unwrap();
        assert_eq!(sent, r#"{"secret":"key"}"#);
        assert_eq!(serde_json::from_str::<Answer>(&sent).unwrap().secret.expose(), "key");
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        let secret = Secret::new("tskey-auth-abc");
        assert_eq!(format!("{secret:?}"), "Secret([redacted])");
    }
}
