//! What `doctor` found and did, as text.

use std::path::Path;

use provider_api::{Change, Finding, Severity};

use super::{findings, plain};

/// What was mended, what is wrong, and how much of it.
pub(in crate::cli) fn text(fixed: Option<&[Change]>, found: &[Finding]) -> String {
    let fixed = match fixed {
        None => String::new(),
        Some([]) => "nothing of Moorline's own was to be mended\n\n".to_owned(),
        Some(changes) => {
            let lines = changes.iter().map(|change| format!("  {}\n", plain(&change.to_string())));
            format!("mended:\n{}\n", lines.collect::<String>())
        }
    };
    format!("{fixed}{}{}\n", findings::text(found), summary(found))
}

fn summary(found: &[Finding]) -> String {
    let counted = [(Severity::Error, "error"), (Severity::Warning, "warning")];
    let parts: Vec<String> = counted
        .into_iter()
        .filter_map(|(severity, word)| {
            match found.iter().filter(|finding| finding.severity == severity).count() {
                0 => None,
                1 => Some(format!("1 {word}")),
                count => Some(format!("{count} {word}s")),
            }
        })
        .collect();
    match parts.join(", ").as_str() {
        "" => "nothing is wrong".to_owned(),
        parts => format!("\n{parts}"),
    }
}

/// Where the archive is, and what is in it.
pub(in crate::cli) fn packed(path: &Path, files: &[String]) -> String {
    let names = files.iter().map(|name| format!("  {name}\n"));
    format!(
        "{} has, without the secrets that are known or look like one:\n{}\
         read it before you hand it on: it names this machine's addresses and peers\n",
        path.display(),
        names.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstream::adapter::strip_str;

    fn shown(fixed: Option<&[Change]>, severities: &[Severity]) -> String {
        let finding = |severity: &Severity| Finding::new(*severity, "x", "it is so", "it matters");
        let found: Vec<Finding> = severities.iter().map(finding).collect();
        strip_str(&text(fixed, &found)).to_string()
    }

    #[test]
    fn what_is_wrong_is_counted() {
        use Severity::{Error, Info, Warning};
        assert_eq!(shown(None, &[]), "nothing is wrong\n");
        assert!(shown(None, &[Info]).ends_with("why: it matters\nnothing is wrong\n"));
        assert!(shown(None, &[Error, Error, Warning]).ends_with("\n\n2 errors, 1 warning\n"));
    }

    #[test]
    fn what_was_mended_is_told_first() {
        assert!(shown(Some(&[]), &[]).starts_with("nothing of Moorline's own was to be mended\n"));
        let change = Change {
            subject: "net/ipv4/ip_forward".into(),
            from: "0".into(),
            to: "1".into(),
            why: "pods".into(),
        };
        let expected = "mended:\n  ~ net/ipv4/ip_forward: 0 -> 1  (pods)\n\nnothing is wrong\n";
        assert_eq!(shown(Some(&[change]), &[]), expected);
    }
}
