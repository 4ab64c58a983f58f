//! What is worth knowing about the settings that the service has. Pure.

use std::collections::BTreeSet;

use provider_api::{Finding, Severity};

use super::Wishes;
use crate::settings::Settings;

/// The code of a secret that stands in the settings themselves.
const LITERAL: &str = "literal-key";

/// What is worth knowing about the settings, or about those that are remembered in their place.
/// Settings that do not last take the secrets in them along.
pub(super) fn said(wishes: &Wishes, remembered: &BTreeSet<String>) -> Vec<Finding> {
    of(wishes.settings.as_ref(), wishes.lasting, remembered)
}

fn of(settings: Option<&Settings>, lasting: bool, remembered: &BTreeSet<String>) -> Vec<Finding> {
    let Some(settings) = settings else { return not_kept(remembered) };
    if lasting {
        return settings.findings.clone();
    }
    let others = settings.findings.iter().filter(|finding| finding.code != LITERAL);
    not_kept(&settings.literals()).into_iter().chain(others.cloned()).collect()
}

fn not_kept(keys: &BTreeSet<String>) -> Vec<Finding> {
    keys.iter().map(|key| one_not_kept(key)).collect()
}

fn one_not_kept(key: &str) -> Finding {
    Finding::new(
        Severity::Warning,
        LITERAL,
        format!("`{key}` was given as it is, and such a secret is never kept"),
        "after a restart of the service it is gone: a node that is put out, or whose VPN daemon \
         lost its state, cannot join again by itself",
    )
    .fix(format!(
        "put it into a file and say where:\n\
         install -D -m 600 /dev/stdin /etc/moorline/{key}\n\
         moorline up --vpn-auth=...,{key}=file:/etc/moorline/{key}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::example::with_key;

    fn severities(
        settings: Option<&Settings>,
        lasting: bool,
        remembered: &[&str],
    ) -> Vec<Severity> {
        let remembered = remembered.iter().map(|&key| key.to_owned()).collect();
        let findings = of(settings, lasting, &remembered);
        assert!(findings.iter().all(|finding| finding.code == LITERAL), "{findings:?}");
        findings.into_iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn a_key_that_comes_again_with_the_service_is_a_fact_of_its_place() {
        let in_a_file = with_key("tskey-auth-x");
        assert_eq!(severities(Some(&in_a_file), true, &[]), [Severity::Info]);
        assert_eq!(severities(Some(&in_a_file), true, &["joinKey"]), [Severity::Info]);
    }

    #[test]
    fn a_key_that_was_handed_over_once_is_gone_with_the_service() {
        let handed_over = with_key("tskey-auth-x");
        assert_eq!(severities(Some(&handed_over), false, &[]), [Severity::Warning]);
        assert_eq!(severities(None, true, &["joinKey"]), [Severity::Warning]);
    }

    #[test]
    fn a_reference_lasts() {
        let reference = with_key("file:/etc/moorline/key");
        for lasting in [true, false] {
            assert_eq!(severities(Some(&reference), lasting, &[]), []);
        }
        assert_eq!(severities(None, true, &[]), []);
    }
}
