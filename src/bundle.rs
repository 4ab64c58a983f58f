//! What a bug report needs of a node, in one archive without a secret.
//!
//! ```text
//!   diagnosis, state, settings, what programs print ─▶ Redactor ─▶ tar.gz
//! ```

mod archive;
mod programs;
mod redact;
mod secrets;

use std::path::Path;

use provider_api::{Error, Result};
use serde::Serialize;

use crate::host::{Diagnosis, Directories, Snapshot};
use crate::settings::{self, Settings};
pub use redact::Redactor;

/// One file of the archive: its name, and what is in it.
type File = (String, String);

/// What is known already, to be put in.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What `doctor` found.
    pub diagnosis: &'a Diagnosis,
    /// The same for people.
    pub text: &'a str,
    /// What the service told, where one runs.
    pub snapshot: Option<&'a Snapshot>,
    /// What is wanted, or why that cannot be told.
    pub settings: std::result::Result<Option<&'a Settings>, &'a Error>,
    /// Where things are kept.
    pub directories: &'a Directories,
}

/// Gathers everything, and writes it to a file that only its owner can read. Tells what is in
/// it.
///
/// # Errors
/// Where the file is there already, or cannot be written.
pub async fn write(known: Known<'_>, path: &Path) -> Result<Vec<String>> {
    let mut files = told(&known)?;
    files.extend(kept(known.directories));
    files.extend(programs::all(known.directories, &services(&known)).await);
    let redactor = secrets::redactor(known.settings.ok().flatten(), known.directories);
    let files: Vec<File> =
        files.into_iter().map(|(name, text)| (name, redactor.clean(&text))).collect();
    archive::write(path, &files)?;
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

const README: &str = "\
What `moorline doctor --bundle` gathered for a bug report.

Secrets that Moorline knows are taken out by their value, and whatever looks like a key by its
shape. Names, addresses, routes and rules of this machine and its peers are left in: read it before
you hand it on.
";

fn told(known: &Known<'_>) -> Result<Vec<File>> {
    let settings = match known.settings {
        Ok(Some(settings)) => json(&settings::rows(settings))?,
        Ok(None) => "no network is asked for\n".to_owned(),
        Err(error) => json(error)?,
    };
    let version = format!("moorline {}\n", env!("CARGO_PKG_VERSION"));
    let mut files = vec![
        file("README.txt", README.to_owned()),
        file("version.txt", version),
        file("findings.txt", known.text.to_owned()),
        file("diagnosis.json", json(known.diagnosis)?),
        file("settings.json", settings),
    ];
    if let Some(snapshot) = known.snapshot {
        files.push(file("service.json", json(snapshot)?));
    }
    Ok(files)
}

/// The files that Moorline and this machine keep.
fn kept(directories: &Directories) -> Vec<File> {
    let text = |path: &Path| {
        std::fs::read_to_string(path).unwrap_or_else(|error| format!("cannot be read: {error}\n"))
    };
    vec![
        file("state.json", text(&directories.state.join("state.json"))),
        file("os-release.txt", text(Path::new("/etc/os-release"))),
        file("kernel.txt", text(Path::new("/proc/version"))),
        file("resolv.conf", text(Path::new("/etc/resolv.conf"))),
        file("sysctls.txt", sysctls()),
    ]
}

const SYSCTLS: [&str; 9] = [
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/rp_filter",
    "net/ipv4/conf/default/rp_filter",
    "net/ipv4/conf/all/src_valid_mark",
    "net/ipv4/ip_no_pmtu_disc",
    "net/ipv6/conf/all/disable_ipv6",
    "net/ipv6/conf/all/forwarding",
    "net/bridge/bridge-nf-call-iptables",
    "net/netfilter/nf_conntrack_max",
];

fn sysctls() -> String {
    let interfaces = linux::sysctl::interfaces().unwrap_or_default().into_iter();
    let filters = interfaces.map(|interface| format!("net/ipv4/conf/{interface}/rp_filter"));
    let keys = SYSCTLS.map(str::to_owned).into_iter().chain(filters);
    let line = |key: String| match linux::sysctl::read(&key) {
        Ok(value) => format!("{key} = {value}\n"),
        Err(error) => format!("{key}: {error}\n"),
    };
    keys.map(line).collect()
}

/// The services whose journal is wanted.
fn services(known: &Known<'_>) -> Vec<String> {
    let provider = match (&known.diagnosis.status, known.settings) {
        (Some(status), _) => Some(&status.provider),
        (None, Ok(Some(settings))) => Some(&settings.provider.value),
        (None, Ok(None) | Err(_)) => None,
    };
    let found = provider.and_then(|name| crate::providers::find(name).ok());
    let daemon = found.and_then(|provider| provider.manifest().capabilities.service.clone());
    std::iter::once("moorline.service".to_owned()).chain(daemon).collect()
}

fn file(name: &str, text: String) -> File {
    (name.to_owned(), text)
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value)
        .map_err(|error| Error::bug(format!("a report cannot be written as JSON: {error}")))
}
