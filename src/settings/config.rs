//! The config file: the words of the settings, and the table `[vpn-auth]`.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use provider_api::{Error, Secret};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::extra_args::EXTRA_ARGS;
use super::origin::Origin;
use super::vpn_auth::{Flags, Piece, VpnAuth};
use super::words::{Kind, Layer, Word};

/// The table that says what `--vpn-auth` says.
const VPN_AUTH: &str = "vpn-auth";

/// Reads a config file. Nothing of a value reaches an error: it may be a secret.
///
/// # Errors
/// What is no TOML, an unknown key or a value of the wrong kind, each with its line.
pub fn read(path: &Path, text: &str) -> Result<Layer, Error> {
    let file = File { path, text };
    let table = DeTable::parse(text).map_err(|error| {
        file.fault(error.span().unwrap_or(0..0), "config-syntax", "this is not TOML")
            .fix(error.message().lines().next().unwrap_or_default().to_owned())
    })?;
    let mut layer = Layer::default();
    for (key, value) in table.get_ref() {
        if key.get_ref() == VPN_AUTH {
            layer.vpn_auth.push(file.vpn_auth(value)?);
        } else {
            let word = file.word(key)?;
            layer.say(word, file.said(word, value)?, file.origin(word.name()));
        }
    }
    Ok(layer)
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn word(&self, key: &Spanned<Cow<'_, str>>) -> Result<Word, Error> {
        Word::named(key.get_ref()).ok_or_else(|| {
            let known: Vec<_> = Word::ALL.into_iter().map(Word::name).collect();
            let what = format!("unknown key `{}`", key.get_ref());
            self.fault(key.span(), "config-unknown-key", &what)
                .fix(format!("known keys: {}, and the table [{VPN_AUTH}]", known.join(", ")))
        })
    }

    fn vpn_auth(&self, value: &Spanned<DeValue<'_>>) -> Result<VpnAuth, Error> {
        let DeValue::Table(table) = value.get_ref() else {
            let fix = "write a table:\n[vpn-auth]\nname = \"tailscale\"\njoinKey = \"file:/etc/moorline/key\"";
            return Err(self
                .fault(value.span(), "config-kind", "`vpn-auth` must be a table")
                .fix(fix));
        };
        let mut pieces = Vec::new();
        let mut flags = None;
        for (key, value) in table {
            let name = key.get_ref();
            match name.as_ref() {
                EXTRA_ARGS => flags = Some(self.flags(value)?),
                _ => pieces.push(Piece {
                    key: name.to_string(),
                    value: Some(Secret::new(self.text(name, value)?)),
                    line: Some(self.line(key.span())),
                }),
            }
        }
        Ok(VpnAuth::table(self.origin(VPN_AUTH), pieces, flags))
    }

    /// A line to be cut, or words.
    fn flags(&self, value: &Spanned<DeValue<'_>>) -> Result<Flags, Error> {
        if let DeValue::String(line) = value.get_ref() {
            return Ok(Flags::Line(Secret::new(line.as_ref())));
        }
        Ok(Flags::Words(self.texts(EXTRA_ARGS, value)?))
    }

    /// The texts of a word: as many as its kind allows.
    fn said(&self, word: Word, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Error> {
        match (word.kind(), value.get_ref()) {
            (Kind::Answer, DeValue::Boolean(answer)) => Ok(vec![answer.to_string()]),
            (Kind::Answer, _) => {
                let what = format!("`{}` must be true or false", word.name());
                let fix = format!("{} = true", word.name());
                Err(self.fault(value.span(), "config-kind", &what).fix(fix))
            }
            (Kind::List, _) => self.texts(word.name(), value),
            (Kind::Text, _) => Ok(vec![self.text(word.name(), value)?]),
        }
    }

    /// One text, or a list of them.
    fn texts(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Error> {
        if let DeValue::Array(values) = value.get_ref() {
            return values.iter().map(|value| self.text(name, value)).collect();
        }
        Ok(vec![self.text(name, value)?])
    }

    fn text(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Result<String, Error> {
        if let DeValue::String(text) = value.get_ref() {
            return Ok(text.to_string());
        }
        let what = format!("`{name}` must be a text in quotes");
        Err(self.fault(value.span(), "config-kind", &what).fix(format!("{name} = \"VALUE\"")))
    }

    fn origin(&self, key: &str) -> Origin {
        Origin::file(self.path).at(key)
    }

    fn fault(&self, span: Range<usize>, code: &str, what: &str) -> Error {
        let line = self.line(span);
        Error::settings(code, format!("{} line {line}: {what}", self.path.display()))
    }

    fn line(&self, span: Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        1 + before.matches('\n').count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/etc/moorline/config.toml";

    fn fault(text: &str) -> String {
        read(Path::new(PATH), text).expect_err(text).what
    }

    #[test]
    fn words_and_their_places() {
        let text =
            "cluster = \"blue\"\nmove = true\npod-cidr = [\"10.42.1.0/24\", \"2001:db8::/64\"]\n";
        let layer = read(Path::new(PATH), text).expect(text);
        let pods = layer.word(Word::PodCidr).expect("set");
        assert_eq!(pods.value, ["10.42.1.0/24", "2001:db8::/64"]);
        assert_eq!(pods.origin.to_string(), format!("{PATH} pod-cidr"));
        assert_eq!(layer.word(Word::Move).expect("set").value, ["true"]);
    }

    #[test]
    fn faults_name_their_line() {
        assert_eq!(fault("\ncolour = 1\n"), format!("{PATH} line 2: unknown key `colour`"));
        assert_eq!(fault("mode = 1\n"), format!("{PATH} line 1: `mode` must be a text in quotes"));
        assert_eq!(fault("move = \"yes\""), format!("{PATH} line 1: `move` must be true or false"));
        assert_eq!(fault("vpn-auth = \"x\""), format!("{PATH} line 1: `vpn-auth` must be a table"));
        assert_eq!(fault("cluster = \"a\"\n\ncluster"), format!("{PATH} line 3: this is not TOML"));
    }

    #[test]
    fn no_fault_shows_a_value() {
        let secret = "tskey-auth-k1T9X6";
        for text in [
            format!("[vpn-auth]\njoinKey = \"{secret}"),
            format!("[vpn-auth]\njoinKey = {secret}\n"),
            format!("[vpn-auth]\njoinKey = [\"{secret}\"]\n"),
            format!("[vpn-auth]\njoinKey = \"{secret}\" x\n"),
            format!("[vpn-auth]\n\"{secret}\n"),
            format!("vpn-auth = \"name=tailscale,joinKey={secret}\"\n"),
        ] {
            let error = read(Path::new(PATH), &text).expect_err(&text);
            assert!(!format!("{error:?}").contains(secret), "{error:?}");
        }
    }
}
