//! `moorline uninstall --purge`: leaves the network, and takes back everything else, so that
//! the machine is as it was.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use linux::Netlink;
use provider_api::{Change, Error, ErrorKind, Finding, Leave, Result, Severity};

use super::kernel::{self, Others};
use super::remove::uninstall;
use super::systemd::systemctl;
use super::unit::UNIT;
use super::{Machine, UninstallReport, change, files};
use crate::host::{self, Directories, LeaveReport, Patience, Reporter, StateDirectory};
use crate::secrets::Keyring;

/// What Moorline keeps in its folders, without what `uninstall` takes back.
const STATE: [&str; 4] = ["state.json", "state.json.new", "lock", "cluster-key"];
const RUN: [&str; 5] = ["node.json", "node.env", "control.sock", "node.json.new", "node.env.new"];

/// How far a purge goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge {
    /// It only tells what it would do.
    Tell,
    /// It needs the VPN's daemon, to take back what was changed there.
    TakeBack,
    /// Where the daemon is away, what was changed there is forgotten.
    Forget,
}

/// Stops the service, leaves every network, turns back the kernel's settings that nobody else
/// needs, and removes what was written and what is remembered.
///
/// # Errors
/// Those of [`host::leave`]: the service goes on then, and what is remembered is kept, so that
/// it can be said again. Later those of [`uninstall`].
pub async fn purge(
    machine: &Machine,
    directories: &Directories,
    how: Purge,
    reporter: Arc<dyn Reporter>,
) -> Result<UninstallReport> {
    let changed = changed_settings(directories)?;
    if how == Purge::Tell {
        return told(machine, directories, &changed).await;
    }
    let mut others = others(directories).await;
    let was_active = stop(machine).await?;
    let mut report = match leave_all(directories, &reporter, &mut others).await {
        Err(error) if how == Purge::Forget && error.kind == ErrorKind::Unavailable => {
            forgot(&error)
        }
        Err(error) => {
            if was_active {
                systemctl(&["start", "--no-block", UNIT]).await?;
            }
            return Err(or_forget(error));
        }
        Ok(left) => left,
    };
    report.findings.retain(|finding| finding.code != "sysctl-stays");
    report.changes.changes.extend(host::sweep(directories).await?);
    others.links = Netlink::open().map_err(fault)?.links().await.map_err(fault)?;
    turn_back(&changed, &others, &mut report)?;
    let written = uninstall(machine, false).await?;
    report.changes.changes.extend(written.changes.changes);
    report.findings.extend(written.findings);
    let _lock = match directories.state.is_dir() {
        true => Some(StateDirectory::new(&directories.state).lock()?),
        false => None,
    };
    empty_keyring(directories, &mut report)?;
    forget(directories, &mut report)?;
    Ok(report)
}

fn forgotten(name: &str) -> Change {
    change(format!("keyring:{name}"), "present", "", "")
}

/// What a purge would take back.
async fn told(
    machine: &Machine,
    directories: &Directories,
    changed: &BTreeMap<String, String>,
) -> Result<UninstallReport> {
    let mut report = uninstall(machine, true).await?;
    let state = StateDirectory::new(&directories.state).load()?;
    let networks = state.networks.keys().chain(state.withdrawn.keys());
    let left = networks
        .map(|name| change(format!("network {name}"), "joined", "", "as `moorline leave` does"));
    let settings = changed.iter().filter_map(|(key, was)| {
        let now = linux::sysctl::read(key).ok().filter(|now| now != was)?;
        Some(change(key, &now, was, "unless somebody else needs it"))
    });
    let keys = Keyring::of(&directories.state).list().unwrap_or_default();
    let folders =
        [&directories.state, &directories.run].into_iter().filter(|folder| folder.is_dir());
    let folders = folders.map(|folder| change(folder.display(), "present", "", ""));
    report.changes.changes.splice(0..0, left.chain(settings));
    report.changes.changes.extend(keys.iter().map(|key| forgotten(&key.name)));
    report.changes.changes.extend(folders);
    Ok(report)
}

fn or_forget(error: Error) -> Error {
    if error.kind != ErrorKind::Unavailable {
        return error;
    }
    let forget = "where it is gone for good: moorline uninstall --purge --forget";
    let fix =
        error.fix.as_deref().map_or_else(|| forget.to_owned(), |fix| format!("{fix}\n{forget}"));
    error.fix(fix)
}

fn forgot(error: &Error) -> UninstallReport {
    let finding = Finding::new(
        Severity::Warning,
        "purge-forgot",
        format!("what was changed in the VPN's daemon is not taken back: {}", error.what),
        "it goes on offering this node's routes, should it come back",
    );
    UninstallReport { findings: vec![finding], ..UninstallReport::default() }
}

/// Stops the service, where it runs. Whether it did.
async fn stop(machine: &Machine) -> Result<bool> {
    let standing = machine.manager.standing().await?;
    if standing.active {
        systemctl(&["stop", UNIT]).await?;
    }
    Ok(standing.active)
}

async fn leave_all(
    directories: &Directories,
    reporter: &Arc<dyn Reporter>,
    others: &mut Others,
) -> Result<UninstallReport> {
    let mut report = UninstallReport::default();
    while let Some(left) = leave(directories, reporter).await? {
        report.changes.changes.extend(left.changes.changes);
        report.findings.extend(left.findings);
        if !left.enrolled {
            others.routes.clear();
        }
    }
    Ok(report)
}

/// The kernel's settings that were changed, with what they were.
fn changed_settings(directories: &Directories) -> Result<BTreeMap<String, String>> {
    let state = StateDirectory::new(&directories.state).load()?;
    let networks = state.networks.into_values().chain(state.withdrawn.into_values());
    // The oldest value is what the machine had.
    Ok(networks.flat_map(|network| network.sysctls).chain(state.sysctls).collect())
}

/// Who else forwards through the VPN. A daemon that is away says nothing; leaving then fails.
async fn others(directories: &Directories) -> Others {
    let files = kernel::settings_files();
    let Ok(status) = host::status(directories, Patience::Remember).await else {
        return Others { files, ..Others::default() };
    };
    let routes = status.routes.iter().filter(|route| !route.ours).map(|route| route.prefix);
    let vpn = status.membership.as_ref().map(|membership| membership.interface.clone());
    Others { routes: routes.collect(), vpn, files, ..Others::default() }
}

/// Leaves one network; none where there is none.
async fn leave(
    directories: &Directories,
    reporter: &Arc<dyn Reporter>,
) -> Result<Option<LeaveReport>> {
    if !StateDirectory::new(&directories.state).file().exists() {
        return Ok(None);
    }
    match host::leave(directories, Leave::Logout, Arc::clone(reporter)).await {
        Ok(left) => Ok(Some(left)),
        Err(error) if error.code == "no-network" => Ok(None),
        Err(error) => Err(error),
    }
}

fn turn_back(
    changed: &BTreeMap<String, String>,
    others: &Others,
    report: &mut UninstallReport,
) -> Result<()> {
    let plan = kernel::plan(changed, others, |key| linux::sysctl::read(key).ok());
    for (key, was) in plan.back {
        let now = linux::sysctl::read(&key).map_err(fault)?;
        linux::sysctl::write(&key, &was).map_err(fault)?;
        report.changes.changes.push(change(&key, &now, &was, "nobody else needs it"));
    }
    report.findings.extend(plan.stays);
    Ok(())
}

fn empty_keyring(directories: &Directories, report: &mut UninstallReport) -> Result<()> {
    let names = Keyring::of(&directories.state).purge()?.into_iter();
    report.changes.changes.extend(names.map(|name| forgotten(&name)));
    Ok(())
}

/// Removes what is remembered. A file that Moorline does not know stays, with its folder.
fn forget(directories: &Directories, report: &mut UninstallReport) -> Result<()> {
    let pins = directories.run.join("netns");
    let folders: [(&Path, &[&str]); 3] =
        [(&directories.state, &STATE), (&pins, &[]), (&directories.run, &RUN)];
    for (folder, names) in folders {
        let was_there = folder.is_dir();
        for name in names {
            files::remove(&folder.join(name))?;
        }
        match files::remove_empty(folder)? {
            true if was_there => {
                report.changes.changes.push(change(folder.display(), "present", "", ""));
            }
            true => {}
            false => report.findings.push(stays(folder)),
        }
    }
    Ok(())
}

fn stays(folder: &Path) -> Finding {
    let folder = folder.display();
    Finding::new(
        Severity::Info,
        "purge-folder-stays",
        format!("{folder} stays: it holds what Moorline did not put there"),
        "what others wrote is not Moorline's to remove",
    )
    .fix(format!("ls -la {folder}"))
}

fn fault(cause: linux::Error) -> Error {
    let what = cause.to_string();
    match cause.is_permission() {
        true => Error::new(ErrorKind::Denied, "not-root", what).fix("run moorline as root"),
        false => Error::unavailable("kernel", what),
    }
}
