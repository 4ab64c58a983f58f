//! `moorline uninstall`: takes back what `install` did.

use std::path::Path;

use provider_api::{Change, Plan, Result};

use super::record::{Record, Written};
use super::systemd::{Manager, systemctl};
use super::undo::{Undo, stays};
use super::unit::{MARK, UNIT};
use super::{Machine, UninstallReport, change, files};

/// Stops the service, and takes back what `install` wrote. Nothing on the network changes.
///
/// # Errors
/// What cannot be removed, and what `systemctl` said. May be said again until all is done.
pub async fn uninstall(machine: &Machine, dry_run: bool) -> Result<UninstallReport> {
    let mut report = UninstallReport::default();
    let mut record = Record::load(&machine.state)?;
    adopt_unit(&mut record, machine)?;
    report.changes = Plan { changes: stop(&record, machine, dry_run).await? };
    for (path, written) in record.files.clone() {
        let undo = Undo::of(&written, files::read(&path)?.as_deref());
        report.changes.changes.extend(told(&path, &undo));
        if undo == Undo::Stay {
            report.findings.push(stays(&path, written.before.as_deref()));
        }
        if !dry_run {
            carry_out(&path, &undo, &written)?;
            record.files.remove(&path);
            record.store(&machine.state)?;
        }
    }
    if !dry_run {
        finish(&mut record, machine).await?;
    }
    Ok(report)
}

/// A unit that says that it is ours is ours, also where the record is lost.
fn adopt_unit(record: &mut Record, machine: &Machine) -> Result<()> {
    let unit = machine.unit();
    let there = files::read(&unit)?.filter(|text| text.starts_with(MARK));
    if let Some(text) = there {
        let fingerprint = files::fingerprint(&text);
        let ours = Written { fingerprint, before: None, shared: false };
        record.files.entry(unit).or_insert(ours);
    }
    Ok(())
}

/// Stops the service where it is ours.
async fn stop(record: &Record, machine: &Machine, dry_run: bool) -> Result<Vec<Change>> {
    if !record.files.contains_key(&machine.unit()) {
        return Ok(Vec::new());
    }
    let standing = machine.manager.standing().await?;
    let mut changes = Vec::new();
    if standing.active {
        changes.push(change(UNIT, "running", "", "stopping it cuts nothing"));
    }
    if standing.enabled {
        changes.push(change(UNIT, "enabled", "", ""));
    }
    if !dry_run && standing.active {
        systemctl(&["stop", UNIT]).await?;
    }
    if !dry_run && standing.enabled {
        systemctl(&["disable", "--quiet", UNIT]).await?;
    }
    Ok(changes)
}

fn told(path: &Path, undo: &Undo) -> Option<Change> {
    let path = path.display();
    match undo {
        Undo::Nothing | Undo::Stay => None,
        Undo::Remove => Some(change(path, "written by install", "", "")),
        Undo::Restore => Some(change(path, "written by install", "as it was before", "")),
    }
}

fn carry_out(path: &Path, undo: &Undo, written: &Written) -> Result<()> {
    match (undo, &written.before) {
        (Undo::Remove, _) => files::remove(path),
        (Undo::Restore, Some(before)) => {
            std::fs::rename(before, path).map_err(|cause| files::fault("restore", path, &cause))
        }
        (Undo::Nothing | Undo::Stay | Undo::Restore, _) => Ok(()),
    }
}

/// Folders of ours go where nothing is left in them.
async fn finish(record: &mut Record, machine: &Machine) -> Result<()> {
    for folder in std::mem::take(&mut record.folders) {
        files::remove_empty(&folder)?;
    }
    record.store(&machine.state)?;
    files::remove_empty(&machine.state)?;
    if machine.manager == Manager::Running {
        systemctl(&["daemon-reload"]).await?;
        // There is nothing to forget where it never failed.
        let _ = systemctl(&["reset-failed", UNIT]).await;
    }
    Ok(())
}
