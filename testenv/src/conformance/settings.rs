//! What a provider says of itself, and what it says to wrong settings.

use std::collections::BTreeSet;
use std::sync::Arc;

use provider_api::{CONTRACT_VERSION, ErrorKind, PolicyRequest, PolicySubject};

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

/// A policy is pure, and names what is to be approved, whichever control server it is for.
pub async fn the_policy_names_the_prefixes<S: Subject>(fresh: impl AsyncFn() -> S) {
    let subject = fresh().await;
    let provider = subject.provider();
    for request in policy_requests(&subject) {
        let text = provider.policy(&request).expect("a policy");
        assert_eq!(provider.policy(&request).expect("a policy"), text);
        if provider.manifest().capabilities.approval {
            for cidr in &request.cluster_cidrs {
                assert!(text.contains(&cidr.to_string()), "{cidr} is not in\n{text}");
            }
        }
    }
}

/// One that names no control server, and one for each kind.
fn policy_requests(subject: &impl Subject) -> Vec<PolicyRequest> {
    let [wish, _] = subject.wishes();
    let named = subject.policy_servers().into_iter().map(Some);
    let request = |server| PolicyRequest {
        cluster_cidrs: wish.cluster_cidrs.clone(),
        subject: PolicySubject::Tag("tag:k8s".into()),
        server,
    };
    [None].into_iter().chain(named).map(request).collect()
}
