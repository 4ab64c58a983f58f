//! Takes secrets out of what a plugin prints.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use provider_api::Secret;

/// A part of a secret of fewer letters is a word of its own right.
const SHORTEST_PART: usize = 8;

/// Every secret that a plugin was handed, to be taken out of its words by value.
#[derive(Debug, Default)]
pub(super) struct Redactor(Mutex<Vec<Secret>>);

impl Redactor {
    /// From now on this value is taken out, as it is, as JSON has it, and line by line.
    pub(super) fn remember(&self, secret: &Secret) {
        let value = secret.expose();
        let quoted = serde_json::Value::from(value).to_string();
        let lines = value.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_PART);
        let forms = [value, quoted.trim_matches('"')].into_iter().chain(lines);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for form in forms.filter(|form| !form.is_empty()) {
            if !known.iter().any(|other| other.expose() == form) {
                known.push(Secret::new(form));
            }
        }
        known.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
    }

    /// The text without any of them.
    pub(super) fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().fold(Cow::Borrowed(text), |text, secret| {
            if text.contains(secret.expose()) {
                Cow::Owned(text.replace(secret.expose(), "[redacted]"))
            } else {
                text
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_out_wherever_it_stands() {
        let redactor = Redactor::default();
        redactor.remember(&Secret::new("tskey-abc"));
        redactor.remember(&Secret::new("tskey-abc-longer"));
        assert_eq!(
            redactor.clean("key=tskey-abc, or tskey-abc-longer!"),
            "key=[redacted], or [redacted]!"
        );
        assert_eq!(redactor.clean("nothing here"), "nothing here");
    }

    #[test]
    fn a_secret_of_many_lines_is_taken_out_of_each_of_them_and_of_json() {
        let redactor = Redactor::default();
        let key = "-----BEGIN KEY-----\nMC4CAQAwBQYDK2Vw\n-----END KEY-----\n";
        redactor.remember(&Secret::new(key));
        assert_eq!(redactor.clean("read MC4CAQAwBQYDK2Vw"), "read [redacted]");
        let json = serde_json::json!({ "key": key }).to_string();
        assert_eq!(redactor.clean(&json), r#"{"key":"[redacted]"}"#);
    }

    #[test]
    fn an_empty_secret_takes_nothing_out() {
        let redactor = Redactor::default();
        redactor.remember(&Secret::new(""));
        assert_eq!(redactor.clean("text"), "text");
    }
}
