//! What the sources of `--vpn-auth` say, checked: one value for each key.

use std::collections::{BTreeMap, BTreeSet};

use super::extra_args::EXTRA_ARGS;
use super::origin::Sourced;
use super::secret_ref::SecretRef;

/// What one source says, or several of them together. The provider's name is told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Values {
    /// The keys that are no secrets.
    pub keys: BTreeMap<String, Sourced<String>>,
    /// The keys that are.
    pub secrets: BTreeMap<String, Sourced<SecretRef>>,
    /// The provider's flags.
    pub extra_args: Option<Sourced<Vec<String>>>,
}

impl Values {
    /// The same, with what `higher` says instead where it says something.
    #[must_use]
    pub(super) fn overlaid_by(mut self, higher: Values) -> Self {
        self.keys.extend(higher.keys);
        self.secrets.extend(higher.secrets);
        self.extra_args = higher.extra_args.or(self.extra_args);
        self
    }

    /// The keys in which two sources differ, wherever they were said.
    pub(super) fn differences(&self, other: &Values) -> Vec<String> {
        let mut keys = differing(&self.keys, &other.keys);
        keys.extend(differing(&self.secrets, &other.secrets));
        let words = |values: &Values| values.extra_args.as_ref().map(|args| args.value.clone());
        if words(self) != words(other) {
            keys.push(EXTRA_ARGS.to_owned());
        }
        keys
    }
}

fn differing<T: PartialEq>(
    one: &BTreeMap<String, Sourced<T>>,
    other: &BTreeMap<String, Sourced<T>>,
) -> Vec<String> {
    let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differs = |key: &&String| {
        one.get(*key).map(|said| &said.value) != other.get(*key).map(|said| &said.value)
    };
    keys.into_iter().filter(differs).cloned().collect()
}
