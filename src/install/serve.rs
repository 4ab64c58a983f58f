//! Has the service manager start the service, and tells where it cannot.

use std::path::Path;

use provider_api::{Change, Finding, Result, Severity};

use super::order::{Order, holds_a_secret};
use super::systemd::{Manager, systemctl};
use super::unit::UNIT;
use super::{Machine, change};
use crate::settings::Settings;

/// Has the service manager start the service, now and with the machine.
pub(super) async fn serve(
    order: &Order<'_>,
    machine: &Machine,
    unit: bool,
    any: bool,
) -> Result<Vec<Change>> {
    let standing = machine.manager.standing().await?;
    let runs = machine.manager == Manager::Running;
    let mut changes = Vec::new();
    let mut words: Vec<&[&str]> = Vec::new();
    if runs && unit {
        words.push(&["daemon-reload"]);
    }
    if machine.manager != Manager::Absent && !standing.enabled {
        changes.push(change(UNIT, "", "enabled", "it starts with the machine"));
        words.push(&["enable", "--quiet", UNIT]);
    }
    if runs && order.start && !standing.active {
        changes.push(change(UNIT, "", "started", ""));
        words.push(&["start", "--no-block", UNIT]);
    } else if runs && order.start && any {
        changes.push(change(UNIT, "as it was", "started again", "stopping it cuts nothing"));
        words.push(&["restart", "--no-block", UNIT]);
    }
    if !order.dry_run {
        for words in words {
            systemctl(words).await?;
        }
    }
    Ok(changes)
}

/// Whether the service runs now, or is about to.
pub(super) fn runs(order: &Order<'_>, manager: Manager) -> bool {
    manager == Manager::Running && order.start && !order.dry_run
}

/// What was said of the settings, and of a machine without systemd. A literal that was typed is
/// one no more.
pub(super) fn findings(settings: Settings, machine: &Machine, program: &Path) -> Vec<Finding> {
    let stays = holds_a_secret(&settings, &machine.config);
    let mut findings = settings.findings;
    findings.retain(|finding| finding.code != "literal-key" || stays);
    match machine.manager {
        Manager::Running => {}
        Manager::Asleep => findings.push(asleep()),
        Manager::Absent => findings.push(absent(program)),
    }
    findings
}

fn asleep() -> Finding {
    Finding::new(
        Severity::Info,
        "systemd-asleep",
        "systemd does not run here now",
        "it starts the service when this machine, or the image that this is, starts",
    )
}

fn absent(program: &Path) -> Finding {
    Finding::new(
        Severity::Warning,
        "no-systemd",
        "this machine has no systemd: the settings are written, and nothing starts the service",
        "any supervisor that starts a program again when it ends can do it",
    )
    .fix(format!("have your supervisor keep this running, as root: {} run", program.display()))
}
