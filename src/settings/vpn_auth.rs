//! The `--vpn-auth` grammar: `name=tailscale,joinKey=...,extraArgs=--flag ...`.
//!
//! A string is cut first, and checked once its provider is known: only the provider can say
//! which keys there are and which of them are secret.

mod pieces;

use std::collections::BTreeSet;
use std::fmt;

use provider_api::{Error, Manifest, Secret};

use super::extra_args::{self, EXTRA_ARGS};
use super::origin::{Origin, Sourced};
use super::secret_ref::SecretRef;
use super::values::Values;
pub(super) use pieces::{Flags, Piece};
use pieces::{cut_flags, shown};

/// The key of the provider's name, known to every provider.
pub(super) const NAME: &str = "name";

/// One `--vpn-auth` string, or the table of a config file that says the same: cut into pieces,
/// not checked yet.
pub struct VpnAuth {
    origin: Origin,
    pieces: Vec<Piece>,
    flags: Option<Flags>,
}

impl VpnAuth {
    /// Cuts a string. Never fails: what is wrong shows once its provider is known.
    pub fn cut(text: &str, origin: Origin) -> Self {
        let (head, flags) = cut_flags(text.trim());
        let pieces = head.map(|head| head.split(',').map(Piece::cut).collect());
        VpnAuth { origin, pieces: pieces.unwrap_or_default(), flags: flags.map(Flags::Line) }
    }

    /// The table of a config file.
    pub(super) fn table(origin: Origin, pieces: Vec<Piece>, flags: Option<Flags>) -> Self {
        VpnAuth { origin, pieces, flags }
    }

    /// Where it was said.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The provider that it names, if any. Nothing else is checked.
    pub(super) fn provider(&self) -> Option<Sourced<String>> {
        let piece = self.pieces.iter().find(|piece| piece.key == NAME)?;
        let value = piece.value.as_ref()?.expose();
        (!value.is_empty()).then(|| Sourced::new(value.to_owned(), self.origin.at(NAME)))
    }

    /// Checks it against the keys of its provider.
    ///
    /// # Errors
    /// A bare word, an unknown or doubled key, an empty value, `extraArgs` not at the end.
    pub(super) fn check(&self, provider: &Manifest) -> Result<Values, Error> {
        self.read(Some(provider))
    }

    /// Checks what can be checked before the provider is known.
    ///
    /// # Errors
    /// As [`VpnAuth::check`], but any word passes for a key.
    pub(super) fn check_shape(&self) -> Result<(), Error> {
        self.read(None).map(drop)
    }

    fn read(&self, provider: Option<&Manifest>) -> Result<Values, Error> {
        let mut values = Values::default();
        let mut seen = BTreeSet::new();
        for (index, piece) in self.pieces.iter().enumerate() {
            let value = self.pair(index + 1, piece, provider)?;
            if !seen.insert(&piece.key) {
                let what = format!("`{}` is given twice", piece.key);
                return Err(self
                    .fault(piece.line, "vpn-auth-doubled-key", what)
                    .fix("keep one of the two"));
            }
            self.take(&mut values, &piece.key, value, provider)?;
        }
        if let Some(flags) = &self.flags {
            let words = self.words(flags, provider)?;
            values.extra_args = Some(Sourced::new(words, self.origin.at(EXTRA_ARGS)));
        }
        Ok(values)
    }

    fn take(
        &self,
        values: &mut Values,
        key: &str,
        value: &Secret,
        provider: Option<&Manifest>,
    ) -> Result<(), Error> {
        let origin = self.origin.at(key);
        let secret = provider.and_then(|provider| provider.key(key)).is_none_or(|key| key.secret);
        if key == NAME {
            return Ok(());
        }
        if secret {
            let reference = SecretRef::parse(value.expose(), &origin)?;
            values.secrets.insert(key.to_owned(), Sourced::new(reference, origin));
        } else {
            values.keys.insert(key.to_owned(), Sourced::new(value.expose().to_owned(), origin));
        }
        Ok(())
    }

    /// The value of a piece that is a pair with a known key.
    fn pair<'a>(
        &self,
        number: usize,
        piece: &'a Piece,
        provider: Option<&Manifest>,
    ) -> Result<&'a Secret, Error> {
        let word = shown(&piece.key, number);
        let Some(value) = &piece.value else {
            let what = match piece.key.as_str() {
                "" => format!("piece {number} is empty"),
                _ => format!("{word} is a bare word, not key=value"),
            };
            return Err(self.fault(piece.line, "vpn-auth-bare-word", what).fix(advice(provider)));
        };
        if !is_known(&piece.key, provider) {
            let what = format!("{word} is not a key");
            let fix = match piece.key.starts_with('-') {
                true => "put flags last, after `extraArgs=`".to_owned(),
                false => advice(provider),
            };
            return Err(self.fault(piece.line, "vpn-auth-unknown-key", what).fix(fix));
        }
        if value.expose().is_empty() {
            return Err(self.empty(piece.line, &piece.key));
        }
        Ok(value)
    }

    fn words(&self, flags: &Flags, provider: Option<&Manifest>) -> Result<Vec<String>, Error> {
        let line = match flags {
            Flags::Words(words) => return Ok(words.clone()),
            Flags::Line(line) => line.expose(),
        };
        if line.trim().is_empty() {
            return Err(self.empty(None, EXTRA_ARGS));
        }
        if let Some(key) = misplaced(line, provider) {
            let what = format!("`{key}` stands after `{EXTRA_ARGS}`, which takes all that follows");
            let fix = format!("move `{EXTRA_ARGS}=...` to the end");
            return Err(self.fault(None, "vpn-auth-extra-args-not-last", what).fix(fix));
        }
        extra_args::split(line).ok_or_else(|| {
            let what = format!("a quote in `{EXTRA_ARGS}` is never closed");
            self.fault(None, "vpn-auth-quote", what).fix("close the quote, or take it out")
        })
    }

    fn empty(&self, line: Option<usize>, key: &str) -> Error {
        let fix = format!("give `{key}` a value, or leave it out");
        self.fault(line, "vpn-auth-empty-value", format!("`{key}` has no value")).fix(fix)
    }

    fn fault(&self, line: Option<usize>, code: &str, what: String) -> Error {
        match line {
            Some(line) => self.origin.error(code, format!("line {line}: {what}")),
            None => self.origin.error(code, what),
        }
    }
}

impl fmt::Debug for VpnAuth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("VpnAuth").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// The first known key that follows a comma in the line of flags. Flags may hold commas
/// themselves, so only known keys count.
fn misplaced(line: &str, provider: Option<&Manifest>) -> Option<String> {
    let keys = line.split(',').skip(1).filter_map(|piece| piece.trim().split_once('='));
    keys.map(|(key, _)| key.trim()).find_map(|key| {
        known(provider).into_iter().find(|name| name.eq_ignore_ascii_case(key)).map(str::to_owned)
    })
}

fn known(provider: Option<&Manifest>) -> Vec<&str> {
    let keys = provider.map(|provider| provider.keys.as_slice()).unwrap_or_default();
    let keys = keys.iter().map(|key| key.name.as_str());
    std::iter::once(NAME).chain(keys).chain([EXTRA_ARGS]).collect()
}

/// Without a provider every word is taken for a key of the one to be named.
fn is_known(key: &str, provider: Option<&Manifest>) -> bool {
    match provider {
        Some(_) => known(provider).contains(&key),
        None => !key.is_empty() && key.chars().all(|c| c.is_ascii_alphabetic()),
    }
}

fn advice(provider: Option<&Manifest>) -> String {
    let more = if provider.is_some() { "" } else { ", and the provider's own" };
    format!(
        "known keys: {}{more}\n\
         a `,` always starts the next key: no value can hold one, but `{EXTRA_ARGS}`, which goes last",
        known(provider).join(", ")
    )
}

#[cfg(test)]
mod tests;
