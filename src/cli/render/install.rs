//! What `install` and `uninstall` did.

use super::{BOLD, findings, plain, plan, styled};
use crate::install::{InstallReport, UninstallReport};

/// What was changed; of a dry run also the files, as they would be.
pub(in crate::cli) fn text(report: &InstallReport, dry_run: bool) -> String {
    let changes = plan::text(&report.changes, "nothing to do: all is installed");
    let findings = findings::text(&report.findings);
    match dry_run {
        true => format!("{}\n{}\n{findings}", files(report), plan::section(&report.changes)),
        false if report.runs => format!("{changes}{findings}next: moorline status --watch\n"),
        false => format!("{changes}{findings}"),
    }
}

fn files(report: &InstallReport) -> String {
    let file = |file: &crate::install::Text| {
        let head = styled(BOLD, &plain(&file.path.display().to_string()));
        format!("{head}\n{}", plain(&file.text))
    };
    report.files.iter().map(file).collect::<Vec<_>>().join("\n")
}

/// What was taken back, and what stays.
pub(in crate::cli) fn taken_back(report: &UninstallReport) -> String {
    let changes = plan::text(&report.changes, "nothing to take back");
    format!("{changes}{}", findings::text(&report.findings))
}
