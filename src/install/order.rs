//! `moorline install`.

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use provider_api::{Change, Error, Manifest, Plan, Result, Secret};

use super::config::Config;
use super::credential::Credential;
use super::record::{Record, Written};
use super::serve::{findings, runs, serve};
use super::systemd::Manager;
use super::unit::{MARK, Unit};
use super::wish::{Owner, Step, Wish};
use super::{InstallReport, Machine, Text, change, files};
use crate::secrets::read_guarded;
use crate::settings::{Origin, SecretRef, Settings, Sourced, Sources};

/// What is to be installed.
#[derive(Debug)]
pub struct Order<'a> {
    /// All that was said.
    pub sources: &'a Sources,
    /// What that comes to.
    pub settings: Settings,
    /// What is known of the providers.
    pub manifests: &'a [Manifest],
    /// The program that the service runs.
    pub program: PathBuf,
    /// Whether the config file is not the usual one, so that the service must be told.
    pub tell_config: bool,
    /// Whether the service is to run from now on.
    pub start: bool,
    /// Whether anything is to be changed at all.
    pub dry_run: bool,
}

/// Writes the settings and the unit, and has the service manager start the service.
///
/// # Errors
/// Before anything is changed: something of somebody else in the way, a reference that a service
/// cannot follow, a credential that is not there. Later: what cannot be written, and what
/// `systemctl` said.
pub async fn install(order: Order<'_>, machine: &Machine) -> Result<InstallReport> {
    let mut record = Record::load(&machine.state)?;
    let wishes = wishes(&order, machine)?;
    let mut steps = Vec::new();
    for wish in &wishes {
        let there = there(wish)?;
        steps.push(wish.step(there.as_deref(), record.files.get(&wish.path))?);
    }
    let mut changes = Vec::new();
    let mut unit_changed = false;
    for (wish, step) in wishes.iter().zip(steps) {
        let Step::Write(written) = step else { continue };
        unit_changed |= wish.path == machine.unit();
        changes.push(told(wish)?);
        if !order.dry_run {
            write(wish, written, &mut record, &machine.state)?;
        }
    }
    let any = !changes.is_empty();
    changes.extend(serve(&order, machine, unit_changed, any).await?);
    let hidden = |wish: &Wish| wish.is_secret() || holds_a_secret(&order.settings, &wish.path);
    let shown = wishes.iter().filter(|wish| !hidden(wish));
    let files = shown.map(|wish| Text { path: wish.path.clone(), text: wish.text.expose().into() });
    let files = files.collect();
    let runs = runs(&order, machine.manager);
    let findings = findings(order.settings, machine, &order.program);
    Ok(InstallReport { changes: Plan { changes }, files, findings, runs })
}

/// The files that are to be there, in the order in which they are written.
fn wishes(order: &Order<'_>, machine: &Machine) -> Result<Vec<Wish>> {
    let mut settings = order.settings.clone();
    let mut wishes = Vec::new();
    for (key, secret) in &mut settings.secrets {
        // A literal of the config file is an administrator's choice, and is read there again.
        if is_at(&secret.origin, &machine.config) {
            continue;
        }
        if let SecretRef::Literal(text) = &secret.value {
            let path = machine.settings().join(file_name(key));
            wishes.push(key_file(&path, key, text));
            secret.value = SecretRef::File(path);
        }
        reachable(key, &secret.value, machine)?;
    }
    let there = files::read(&machine.config)?;
    let config = Config {
        path: &machine.config,
        text: there.as_deref(),
        sources: order.sources,
        settings: &settings,
    };
    wishes.push(Wish {
        path: machine.config.clone(),
        mode: mode(&machine.config),
        text: Secret::new(config.edited(order.manifests)?),
        why: "the settings, as the service reads them".to_owned(),
        owner: Owner::Everybody,
    });
    if machine.manager != Manager::Absent {
        wishes.push(unit(order, &settings, machine)?);
    }
    Ok(wishes)
}

fn unit(order: &Order<'_>, settings: &Settings, machine: &Machine) -> Result<Wish> {
    let mut credentials = Vec::new();
    for secret in settings.secrets.values() {
        if let SecretRef::Cred(name) = &secret.value {
            credentials.push(Credential::find(name, machine.settings())?);
        }
    }
    let named = |manifest: &&Manifest| manifest.name == settings.provider.value;
    let daemon = order.manifests.iter().find(named);
    let unit = Unit {
        program: &order.program,
        config: order.tell_config.then_some(machine.config.as_path()),
        state: &machine.state,
        daemon: daemon.and_then(|manifest| manifest.capabilities.service.as_deref()),
        credentials: &credentials,
    };
    Ok(Wish {
        path: machine.unit(),
        mode: 0o644,
        text: Secret::new(unit.text()),
        why: "the service".to_owned(),
        owner: Owner::Marked(MARK),
    })
}

fn key_file(path: &Path, key: &str, text: &Secret) -> Wish {
    Wish {
        path: path.to_owned(),
        mode: 0o600,
        text: Secret::new(format!("{}\n", text.expose())),
        why: format!("{key}, for root alone"),
        owner: Owner::Ours,
    }
}

/// The guides call the join key's file so.
fn file_name(key: &str) -> &str {
    if key == "joinKey" { "key" } else { key }
}

/// A service has an environment of its own.
fn reachable(key: &str, reference: &SecretRef, machine: &Machine) -> Result<()> {
    let SecretRef::Env(name) = reference else { return Ok(()) };
    if machine.manager == Manager::Absent {
        return Ok(());
    }
    let path = machine.settings().join(file_name(key));
    let (what, path) =
        (format!("{key}=env:{name}: the service has another environment"), path.display());
    Err(Error::settings("env-of-a-service", what)
        .fix(format!("printenv {name} | install -D -m 600 /dev/stdin {path}\n{key}=file:{path}")))
}

fn is_at(origin: &Origin, place: &Path) -> bool {
    matches!(origin, Origin::File { path, .. } if path == place)
}

/// Whether an administrator wrote a secret itself into this file.
pub(super) fn holds_a_secret(settings: &Settings, path: &Path) -> bool {
    let literal = |secret: &&Sourced<SecretRef>| matches!(secret.value, SecretRef::Literal(_));
    settings.secrets.values().filter(literal).any(|secret| is_at(&secret.origin, path))
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).map_or(0o644, |metadata| metadata.mode() & 0o7777)
}

/// What is in the file now. One that is to hold a secret must be closed to others.
fn there(wish: &Wish) -> Result<Option<String>> {
    match wish.is_secret() && wish.path.exists() {
        // A key without a newline at its end is the same key.
        true => read_guarded(&wish.path).map(|key| Some(format!("{}\n", key.expose().trim_end()))),
        false => files::read(&wish.path),
    }
}

fn told(wish: &Wish) -> Result<Change> {
    let from = if files::read(&wish.path)?.is_some() { "another text" } else { "" };
    Ok(change(wish.path.display(), from, "written", wish.why.clone()))
}

/// Recorded first: what is written can always be taken back.
fn write(wish: &Wish, written: Written, record: &mut Record, state: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state)
        .map_err(|cause| files::fault("make", state, &cause))?;
    let folder = wish.path.parent().unwrap_or(Path::new("/"));
    if !folder.is_dir() {
        record.folders.insert(folder.to_owned());
    }
    let before = written.before.clone();
    let is_first = record.files.insert(wish.path.clone(), written).is_none();
    record.store(state)?;
    files::make_folder(folder)?;
    // What lies there from an earlier `install` is older than what is in the file now.
    if let Some(before) = before.filter(|before| is_first || !before.exists()) {
        std::fs::copy(&wish.path, &before)
            .map_err(|cause| files::fault("write", &before, &cause))?;
    }
    files::replace(&wish.path, wish.mode, wish.text.expose())
}
