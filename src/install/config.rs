//! The config file with what was said on the command line and in the environment. Pure.

use std::collections::BTreeMap;
use std::path::Path;

use provider_api::{Error, Manifest, Result};
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, value};

use crate::settings::{Kind, Origin, Settings, Sourced, Sources, Word, read_config, resolve};

/// What stands above the settings in a file of our own making.
const HEAD: &str = "\
# Moorline's settings, written by `moorline install`. Change them as you like, and then say:
#   systemctl restart moorline
";

const VPN_AUTH: &str = "vpn-auth";
const NAME: &str = "name";
const EXTRA_ARGS: &str = "extraArgs";

/// A config file, and what is to be in it.
pub(super) struct Config<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// What is in it now; none where it is not there.
    pub text: Option<&'a str>,
    /// All that was said.
    pub sources: &'a Sources,
    /// What that comes to, without a literal secret that was said elsewhere.
    pub settings: &'a Settings,
}

impl Config<'_> {
    /// The file with everything that was said elsewhere; comments and all else stay as they are.
    ///
    /// # Errors
    /// A file that is no TOML; it holds nothing of a value.
    pub(super) fn edited(&self, providers: &[Manifest]) -> Result<String> {
        let mut document = self.parsed()?;
        for word in Word::ALL.into_iter().filter(|word| is_kept(*word)) {
            if let Some(said) = self.said(word) {
                put(document.as_table_mut(), word.name(), written(word, &said.value)?);
            }
        }
        self.edit_vpn_auth(&mut document);
        let text = document.to_string();
        let text = match self.text {
            Some(_) => text,
            None => format!("{HEAD}{text}"),
        };
        self.check(&text, providers)?;
        Ok(text)
    }

    fn parsed(&self) -> Result<DocumentMut> {
        // The message of the parser may show a value.
        self.text.unwrap_or_default().parse().map_err(|_| {
            let what = format!("{}: this is not TOML", self.path.display());
            Error::settings("config-syntax", what).fix("moorline up --dry-run names the line")
        })
    }

    /// What the flags or the environment say.
    fn said(&self, word: Word) -> Option<&Sourced<Vec<String>>> {
        let Sources { flags, environment, .. } = self.sources;
        flags.word(word).or_else(|| environment.word(word))
    }

    fn edit_vpn_auth(&self, document: &mut DocumentMut) {
        let Settings { provider, keys, secrets, extra_args, .. } = self.settings;
        let is_new = |origin: &Origin| !self.is_here(origin) && *origin != Origin::Default;
        let keys = keys.iter().filter(|(_, said)| is_new(&said.origin));
        let secrets = secrets.iter().filter(|(_, said)| is_new(&said.origin));
        let mut said: BTreeMap<&str, Item> =
            keys.map(|(key, said)| (key.as_str(), value(&said.value))).collect();
        said.extend(secrets.map(|(key, said)| (key.as_str(), value(said.value.to_string()))));
        if is_new(&extra_args.origin) {
            said.insert(EXTRA_ARGS, value(list(&extra_args.value)));
        }
        let name = provider.value.as_str();
        let other = named(document).is_some_and(|here| here != name);
        if other {
            document.remove(VPN_AUTH);
            document.remove(Word::Provider.name());
        }
        if said.is_empty() && named(document).is_some() {
            return;
        }
        let table = document.entry(VPN_AUTH).or_insert_with(|| Item::Table(Table::new()));
        let Some(table) = table.as_table_like_mut() else { return };
        put(table, NAME, value(name));
        for (key, item) in said {
            put(table, key, item);
        }
    }

    fn is_here(&self, origin: &Origin) -> bool {
        matches!(origin, Origin::File { path, .. } if path == self.path)
    }

    /// That the service reads from the file what was said here.
    fn check(&self, text: &str, providers: &[Manifest]) -> Result<()> {
        let sources = Sources { file: read_config(self.path, text)?, ..Sources::default() };
        let read = resolve(&sources, providers)?;
        match said_alike(&read, self.settings) {
            true => Ok(()),
            false => {
                Err(Error::bug(format!("{} would not say what was said here", self.path.display())))
            }
        }
    }
}

/// Whether both ask for the same, wherever that was said.
fn said_alike(one: &Settings, other: &Settings) -> bool {
    let network = |settings: &Settings| settings.provider_settings().ok();
    let secrets = |settings: &Settings| {
        let secrets = settings.secrets.values();
        secrets.map(|secret| secret.value.clone()).collect::<Vec<_>>()
    };
    let restart = |settings: &Settings| {
        settings.restart_command.as_ref().map(|command| command.value.clone())
    };
    network(one) == network(other)
        && secrets(one) == secrets(other)
        && restart(one) == restart(other)
        && one.cluster.value == other.cluster.value
        && one.service_cidrs.value == other.service_cidrs.value
        && one.pod_cidrs.value == other.pod_cidrs.value
        && one.mode.value == other.mode.value
        && one.pod_bridge.value == other.pod_bridge.value
        && one.state_dir.value == other.state_dir.value
        && one.run_dir.value == other.run_dir.value
}

/// What `up` waits for is nothing to a service.
fn is_kept(word: Word) -> bool {
    !matches!(word, Word::Provider | Word::Wait | Word::WaitFor)
}

fn written(word: Word, texts: &[String]) -> Result<Item> {
    match (word.kind(), texts) {
        (Kind::List, _) => Ok(value(list(texts))),
        (Kind::Answer, [text]) => Ok(value(text == "true")),
        (Kind::Text, [text]) => Ok(value(text)),
        (Kind::Answer | Kind::Text, _) => {
            Err(Error::bug(format!("{} has no one value", word.name())))
        }
    }
}

fn list(texts: &[String]) -> Array {
    texts.iter().map(String::as_str).collect()
}

/// Changes a value, and keeps the comments around it.
fn put(table: &mut dyn TableLike, key: &str, item: Item) {
    match table.get_mut(key) {
        Some(there) => {
            let decor = there.as_value().map(|value| value.decor().clone());
            *there = item;
            if let (Some(decor), Some(value)) = (decor, there.as_value_mut()) {
                *value.decor_mut() = decor;
            }
        }
        None => drop(table.insert(key, item)),
    }
}

/// The provider that the file names.
fn named(document: &DocumentMut) -> Option<&str> {
    let word = document.get(Word::Provider.name());
    let table = document.get(VPN_AUTH).and_then(|table| table.get(NAME));
    word.or(table)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Layer, VpnAuth, example};

    const PATH: &str = "/etc/moorline/config.toml";

    /// The file after an `install` with these words, where it held this.
    fn edited(text: Option<&str>, vpn_auth: &str, words: &[(Word, &str)]) -> Result<String> {
        let mut flags = Layer::default();
        if !vpn_auth.is_empty() {
            flags.vpn_auth.push(VpnAuth::cut(vpn_auth, Origin::Flag("--vpn-auth".into())));
        }
        for (word, text) in words {
            flags.say(*word, [(*text).to_owned()], Origin::Flag(word.flag()));
        }
        let providers = [example::manifest("tailscale"), example::manifest("other")];
        let file = read_config(Path::new(PATH), text.unwrap_or_default())?;
        let sources = Sources { flags, file, ..Sources::default() };
        let settings = resolve(&sources, &providers)?;
        let path = Path::new(PATH);
        Config { path, text, sources: &sources, settings: &settings }.edited(&providers)
    }

    #[test]
    fn a_new_file_says_what_was_said_and_no_more() {
        let vpn_auth = "name=tailscale,joinKey=file:/etc/moorline/key,extraArgs=--ssh '--a b'";
        let words = [
            (Word::PodCidr, "10.42.3.0/24"),
            (Word::ClusterCidr, "10.42.0.0/16"),
            (Word::Rejoin, "true"),
            (Word::Wait, "served"),
        ];
        let expected = "
cluster-cidr = [\"10.42.0.0/16\"]
pod-cidr = [\"10.42.3.0/24\"]
rejoin = true

[vpn-auth]
name = \"tailscale\"
extraArgs = [\"--ssh\", \"--a b\"]
joinKey = \"file:/etc/moorline/key\"
";
        let text = edited(None, vpn_auth, &words).expect("a file");
        assert_eq!(text, format!("{HEAD}{}", expected.trim_start()));
        assert_eq!(edited(Some(&text), vpn_auth, &words), Ok(text));
    }

    #[test]
    fn what_an_administrator_wrote_stays_as_it_is() {
        let before = "# Ours.
cluster = \"blue\" # do not change
pod-cidr = \"10.42.1.0/24\" # by hand

[vpn-auth]
name = \"tailscale\"
# From the vault.
joinKey = \"file:/old\" # until May
";
        assert_eq!(edited(Some(before), "", &[]).as_deref(), Ok(before));
        let vpn_auth = "name=tailscale,joinKey=cred:key,controlServerURL=https://c";
        let after = edited(Some(before), vpn_auth, &[(Word::PodCidr, "10.42.2.0/24")]);
        let expected = before
            .replace("\"10.42.1.0/24\"", "[\"10.42.2.0/24\"]")
            .replace("file:/old", "cred:key")
            + "controlServerURL = \"https://c\"\n";
        assert_eq!(after, Ok(expected));
    }

    #[test]
    fn another_provider_brings_its_own_keys() {
        let before = "provider = \"tailscale\"\n[vpn-auth]\njoinKey = \"file:/old\"\n";
        let after = edited(Some(before), "name=other,joinKey=file:/new", &[]).expect("a file");
        assert_eq!(after, "[vpn-auth]\nname = \"other\"\njoinKey = \"file:/new\"\n");
    }

    #[test]
    fn a_provider_without_keys_is_named() {
        let after = edited(None, "", &[(Word::Provider, "tailscale")]).expect("a file");
        assert!(after.ends_with("[vpn-auth]\nname = \"tailscale\"\n"), "{after}");
    }
}
