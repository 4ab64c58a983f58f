//! What a provider says of itself, and what it says to wrong settings.

use std::collections::BTreeSet;
use std::sync::Arc;

use provider_api::{CONTRACT_VERSION, ErrorKind};

use super::secrets::says_what_to_do;
use super::{Subject, open};
use crate::MemoryHost;

/// A manifest names each key once, with a line of help, and carries something.
pub async fn the_manifest_is_whole<S: Subject>(fresh: impl AsyncFn() -> S) {
    let subject = fresh().await;
    let manifest = subject.provider().manifest();
    assert_eq!(manifest.contract, CONTRACT_VERSION);
    assert!(!manifest.summary.is_empty());
    assert!(manifest.keys.iter().all(|key| !key.help.is_empty()), "{:?}", manifest.keys);
    let names: BTreeSet<&str> = manifest.keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names.len(), manifest.keys.len(), "a key twice: {:?}", manifest.keys);
    assert!(!names.contains("name") && !names.contains("extraArgs"), "these are the host's");
    assert!(manifest.capabilities.ipv4 || manifest.capabilities.ipv6);
    for secret in subject.settings().secrets {
        assert!(manifest.key(&secret).is_some_and(|key| key.secret), "{secret} is no secret key");
    }
}

/// Wrong settings are refused before any I/O, by the key's name.
pub async fn wrong_settings_are_named<S: Subject>(fresh: impl AsyncFn() -> S) {
    let subject = fresh().await;
    for (settings, key) in subject.wrong_settings() {
        let refused = open(&subject, &settings, Arc::new(MemoryHost::default())).err();
        let error = refused.unwrap_or_else(|| panic!("{settings:?} was taken"));
        assert_eq!(error.kind, ErrorKind::Settings, "{error:?}");
        assert!(error.what.contains(&key), "`{}` does not name {key}", error.what);
        says_what_to_do(&error);
    }
}

/// A policy is pure, and names what is to be approved.
pub async fn the_policy_names_the_prefixes<S: Subject>(fresh: impl AsyncFn() -> S) {
    let subject = fresh().await;
    let request = subject.policy_request();
    let text = subject.provider().policy(&request).expect("a policy");
    assert_eq!(subject.provider().policy(&request).expect("a policy"), text);
    if subject.provider().manifest().capabilities.approval {
        for cidr in &request.cluster_cidrs {
            assert!(text.contains(&cidr.to_string()), "{cidr} is not in\n{text}");
        }
    }
}
