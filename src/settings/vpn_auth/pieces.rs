//! The pieces of a `--vpn-auth` string, before anybody knows what they mean.

use provider_api::Secret;

use crate::settings::extra_args::EXTRA_ARGS;

/// One piece between two commas. `key` may be anything here, even a part of a secret.
pub(in crate::settings) struct Piece {
    /// What stands before the first `=`; all of the piece where there is none.
    pub(in crate::settings) key: String,
    /// What follows it.
    pub(in crate::settings) value: Option<Secret>,
    /// The line, where the source has more than one.
    pub(in crate::settings) line: Option<usize>,
}

/// `extraArgs`, as it was given.
pub(in crate::settings) enum Flags {
    /// One line, to be cut.
    Line(Secret),
    /// Words, cut already.
    Words(Vec<String>),
}

impl Piece {
    pub(super) fn cut(text: &str) -> Self {
        let text = text.trim();
        match text.split_once('=') {
            Some((key, value)) => {
                Piece { key: key.to_owned(), value: Some(Secret::new(value)), line: None }
            }
            None => Piece { key: text.to_owned(), value: None, line: None },
        }
    }
}

/// What stands before `extraArgs=`, and what follows it. An `extraArgs` inside a value is none.
pub(super) fn cut_flags(text: &str) -> (Option<&str>, Option<Secret>) {
    let mut start = 0;
    for piece in text.split(',') {
        let word = piece.trim_start();
        if word.starts_with(EXTRA_ARGS) && word[EXTRA_ARGS.len()..].starts_with('=') {
            let from = start + (piece.len() - word.len()) + EXTRA_ARGS.len() + 1;
            let head = (start > 0).then(|| &text[..start - 1]);
            return (head, Some(Secret::new(&text[from..])));
        }
        start += piece.len() + 1;
    }
    (Some(text), None)
}

/// A word that looks like a key or a flag. Anything else may be a part of a secret.
pub(super) fn shown(word: &str, number: usize) -> String {
    let longest = if word.starts_with("--") { 40 } else { 20 };
    let plain = word.chars().all(|c| c.is_ascii_alphabetic() || c == '-' || c == '_');
    if plain && !word.is_empty() && word.len() <= longest {
        format!("`{word}`")
    } else {
        let length = word.chars().count();
        format!("piece {number} ({length} characters, not shown: it may be secret)")
    }
}
