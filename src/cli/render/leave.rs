//! What `leave` did.

use super::{findings, plan};
use crate::host::LeaveReport;

/// What was taken back, what was not, and whether the node is still enrolled.
pub(in crate::cli) fn text(report: &LeaveReport) -> String {
    let end = match report.enrolled {
        true => "left: the node stays enrolled in the VPN",
        false => "left: the node is logged out of the VPN",
    };
    format!(
        "{}{}{end}\n",
        plan::text(&report.changes, "nothing to take back"),
        findings::text(&report.findings)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstream::adapter::strip_str;
    use provider_api::{Change, Finding, Plan, Severity};

    #[test]
    fn leaving_tells_what_was_taken_back() {
        let change = Change {
            subject: "route".into(),
            from: "10.42.3.0/24".into(),
            to: String::new(),
            why: String::new(),
        };
        let stays = Finding::new(Severity::Info, "x", "forwarding stays on", "others may need it");
        let report = LeaveReport {
            changes: Plan { changes: vec![change] },
            findings: vec![stays],
            enrolled: true,
        };
        assert_eq!(
            strip_str(&text(&report)).to_string(),
            "- route: 10.42.3.0/24\n\
             info[x]: forwarding stays on\n\
             \x20 why: others may need it\n\
             left: the node stays enrolled in the VPN\n"
        );
    }
}
