//! Handing a secret over in every way there is, and looking for it everywhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testenv::{Headscale, Host, Lab, Moorline, Run};

use crate::keyring;
use crate::proc::Watcher;

/// The file that the operator keeps the secret in.
const KEPT: &str = "kept";

/// How much of a secret's end is looked for.
const UNIQUE: usize = 15;

/// How an operator hands a secret over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Way {
    /// As it is, on the command line.
    Flag,
    /// As it is, in `K3S_VPN_AUTH`.
    Variable,
    /// As it is, in the file that `--vpn-auth-file` names.
    VpnAuthFile,
    /// As it is, in the config file.
    Config,
    /// `file:PATH`
    File,
    /// `env:NAME`
    Env,
    /// `cred:NAME`
    Cred,
    /// `keyring:NAME`
    Keyring,
}

pub(crate) const WAYS: [Way; 8] = [
    Way::Flag,
    Way::Variable,
    Way::VpnAuthFile,
    Way::Config,
    Way::File,
    Way::Env,
    Way::Cred,
    Way::Keyring,
];

impl Way {
    /// Where moorline's own process shows it, because the operator put it there.
    fn place(self) -> Option<&'static str> {
        match self {
            Way::Flag => Some("cmdline"),
            Way::Variable | Way::Env => Some("environ"),
            Way::VpnAuthFile | Way::Config | Way::File | Way::Cred | Way::Keyring => None,
        }
    }
}

/// A node, and the secret that must not show there.
pub(crate) struct Search<'a> {
    lab: &'a Lab,
    pub(crate) host: &'a Host,
    /// The vpn-auth text but for the secret's own key.
    without: String,
    /// `joinKey` or `controlAPIKey`.
    pub(crate) key: &'static str,
    secret: String,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        lab: &'a Lab,
        host: &'a Host,
        headscale: &Headscale,
        secret: &str,
    ) -> Search<'a> {
        let without = host.vpn_auth_without_key(headscale);
        let secret = secret.to_owned();
        Search { lab, host, without, key: "joinKey", secret }
    }

    /// moorline with these words, handed the secret in this way, logging all it can.
    fn moorline(&self, way: Way, words: &[&str]) -> Moorline {
        let secret = self.secret.clone();
        let name = self.key;
        let literal = format!("{},{name}={secret}", self.without);
        let with = |reference: &str| format!("--vpn-auth={},{name}={reference}", self.without);
        let (mut words, mut variables) = (owned(words), Vec::new());
        match way {
            Way::Flag => words.push(format!("--vpn-auth={literal}")),
            Way::Variable => variables.push(("K3S_VPN_AUTH", literal)),
            Way::VpnAuthFile => words.push(format!("--vpn-auth-file={}", self.keep(&literal))),
            Way::Config => words.push(format!("--config={}", self.keep(&table(&literal)))),
            Way::File => words.push(with(&format!("file:{}", self.keep(&secret)))),
            Way::Env => {
                words.push(with("env:THE_KEY"));
                variables.push(("THE_KEY", secret));
            }
            Way::Cred => {
                let file = self.keep(&secret);
                let folder = self.host.folder().display().to_string();
                words.push(with(&format!("cred:{}", file.rsplit('/').next().unwrap_or_default())));
                variables.push(("CREDENTIALS_DIRECTORY", folder));
            }
            Way::Keyring => {
                keyring::set(self.host, "search", &self.keep(&secret));
                words.push(with("keyring:search"));
            }
        }
        let moorline = self.host.moorline_with(words).env("MOORLINE_LOG", "trace");
        variables.iter().fold(moorline, |moorline, (name, value)| moorline.env(name, value))
    }

    /// A file of the operator's, which may hold the secret.
    fn keep(&self, content: &str) -> String {
        self.host.secret_file(KEPT, content).display().to_string()
    }

    /// Runs it, watching every process of the lab; then looks everywhere.
    #[track_caller]
    pub(crate) fn run(&self, way: Way, words: &[&str]) -> Run {
        let watcher = Watcher::start(self.lab, self.unique());
        let children = Children::on(self.host);
        let running = children.of(self.moorline(way, words)).start();
        let run = running.finish(Duration::from_secs(90));
        let mut seen = watcher.finish();
        // The program that becomes moorline.
        seen.told.retain(|(program, _)| program != "setpriv");
        let typed = way.place().map(|part| ("moorline".to_owned(), part)).into_iter().collect();
        assert!(seen.told.is_subset(&typed), "{way:?} {words:?}: {seen:?}");
        // What takes less may be over between two looks.
        if run.duration > Duration::from_secs(1) {
            assert!(seen.programs.contains("moorline") && seen.told == typed, "{seen:?}");
            assert!(run.stderr.contains("TRACE"), "no log to search: {}", run.stderr);
        }
        self.is_nowhere(&format!("{way:?} {words:?}"), &run);
        run
    }

    /// The end of the secret, which no other text shares. A random part may hold `-` anywhere.
    fn unique(&self) -> &str {
        self.secret.get(self.secret.len().saturating_sub(UNIQUE)..).unwrap_or(&self.secret)
    }

    /// Looks through what was said, and through every file of the node.
    #[track_caller]
    pub(crate) fn is_nowhere(&self, after: &str, run: &Run) {
        assert!(!run.says(self.unique()), "{after}: {}\n{}", run.stdout, run.stderr);
        for file in files(self.host.folder()).into_iter().chain(files(self.lab.logs())) {
            let content = fs::read(&file).unwrap_or_default();
            let found = String::from_utf8_lossy(&content).contains(self.unique());
            assert!(!found || file.ends_with(KEPT), "{after}: {}", file.display());
        }
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// The same as a table of the config file.
fn table(vpn_auth: &str) -> String {
    let pairs = vpn_auth.split(',').filter_map(|pair| pair.split_once('='));
    pairs.fold("[vpn-auth]\n".to_owned(), |all, (key, value)| format!("{all}{key} = '{value}'\n"))
}

/// Every file below a folder. A socket and a file that goes away hold nothing to find.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let below = |path: PathBuf| match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => files(&path),
        Ok(metadata) if metadata.is_file() => vec![path],
        _ => Vec::new(),
    };
    entries.filter_map(Result::ok).flat_map(|entry| below(entry.path())).collect()
}

/// A stand-in for `nft`, the program that moorline starts: it writes down what it was given.
struct Children {
    folder: PathBuf,
}

impl Children {
    fn on(host: &Host) -> Children {
        let folder = host.folder().join("bin");
        fs::create_dir_all(&folder).expect("a folder");
        let log = host.folder().join("children").display().to_string();
        let script = format!(
            "#!/bin/sh\n{{ echo \"$0 $*\"; tr '\\0' '\\n' </proc/$$/environ; }} >>{log}\n\
             exec /usr/sbin/nft \"$@\"\n"
        );
        let nft = folder.join("nft");
        fs::write(&nft, script).expect("a script");
        let _ = host.shell(&format!("chmod 755 {}", nft.display())).succeeded();
        Children { folder }
    }

    fn of(&self, moorline: Moorline) -> Moorline {
        moorline.env("PATH", &format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.folder.display()))
    }
}
