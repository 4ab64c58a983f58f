//! Findings that forbid to go on, as the error that they are.

use provider_api::{Error, ErrorKind, Finding, Severity};

/// Findings that only other settings help against; against all others somebody else must give
/// way.
const OF_THE_SETTINGS: [&str; 1] = ["cidr-overlaps-vpn-range"];

/// What forbids to go on, all of it in one error; none where nothing does.
pub fn refusal(findings: &[Finding]) -> Option<Error> {
    let blockers = || findings.iter().filter(|finding| finding.severity == Severity::Error);
    let first = blockers().next()?;
    let what: Vec<_> = blockers().map(sentence).collect();
    let mut fixes: Vec<_> = blockers().filter_map(|finding| finding.fix.clone()).collect();
    fixes.dedup();
    let error = Error::new(kind(blockers()), first.code.clone(), what.join("; "));
    Some(if fixes.is_empty() { error } else { error.fix(fixes.join("\n")) })
}

fn sentence(finding: &Finding) -> String {
    format!("{}: {}", finding.what, finding.why)
}

fn kind<'a>(mut blockers: impl Iterator<Item = &'a Finding>) -> ErrorKind {
    match blockers.all(|finding| OF_THE_SETTINGS.contains(&finding.code.as_str())) {
        true => ErrorKind::Settings,
        false => ErrorKind::Conflict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity, code: &str) -> Finding {
        Finding::new(severity, code, format!("{code} is so"), "it matters")
            .fix(format!("mend {code}"))
    }

    #[test]
    fn warnings_forbid_nothing() {
        assert_eq!(refusal(&[finding(Severity::Warning, "x")]), None);
    }

    #[test]
    fn all_that_forbids_is_told_with_its_reason() {
        let error = |code| finding(Severity::Error, code);
        let warning = finding(Severity::Warning, "y");
        let refused = refusal(&[error("pod-cidr-taken"), error("x"), warning]).unwrap();
        assert_eq!((refused.kind, refused.code.as_str()), (ErrorKind::Conflict, "pod-cidr-taken"));
        assert_eq!(refused.what, "pod-cidr-taken is so: it matters; x is so: it matters");
        assert_eq!(refused.fix.as_deref(), Some("mend pod-cidr-taken\nmend x"));
    }

    #[test]
    fn what_other_settings_mend_is_a_fault_of_the_settings() {
        let refused = refusal(&[finding(Severity::Error, "cidr-overlaps-vpn-range")]).unwrap();
        assert_eq!(refused.kind, ErrorKind::Settings);
    }
}
