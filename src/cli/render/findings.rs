//! Findings: how bad, by which code, what is so, why it matters, what helps.

use anstyle::Style;
use provider_api::{Finding, Severity};

use super::{BLUE, RED, YELLOW, labelled, plain, styled};

/// The findings, each with its severity in a word.
pub(super) fn text(findings: &[Finding]) -> String {
    findings.iter().map(finding).collect()
}

fn finding(finding: &Finding) -> String {
    let (style, word) = severity(finding.severity);
    let word = styled(style, word);
    let mut text = format!("{word}[{}]: {}\n", plain(&finding.code), plain(&finding.what));
    if !finding.why.is_empty() {
        text.push_str(&labelled("why", &finding.why));
    }
    if let Some(fix) = &finding.fix {
        text.push_str(&labelled("fix", fix));
    }
    text
}

fn severity(severity: Severity) -> (Style, &'static str) {
    match severity {
        Severity::Error => (RED, "error"),
        Severity::Warning => (YELLOW, "warning"),
        Severity::Info => (BLUE, "info"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstream::adapter::strip_str;

    #[test]
    fn a_finding_reads_without_colour() {
        let warning =
            Finding::new(Severity::Warning, "x", "the key expires soon", "the node falls out")
                .fix("tailscale up --force-reauth");
        let info = Finding::new(Severity::Info, "y", "a bystander", "");
        assert_eq!(
            strip_str(&text(&[warning, info])).to_string(),
            "warning[x]: the key expires soon\n\
             \x20 why: the node falls out\n\
             \x20 fix: tailscale up --force-reauth\n\
             info[y]: a bystander\n"
        );
    }
}
