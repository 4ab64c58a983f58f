//! Keys: needed, refused, and never shown.

use std::collections::BTreeMap;

use provider_api::{Error, ErrorKind};

use super::{Bench, Subject};

/// A node that is no member and has no key is told which key is missing.
pub async fn a_missing_key_is_named<S: Subject>(fresh: impl AsyncFn() -> S) {
    let bench = Bench::with_secrets(fresh().await, BTreeMap::new());
    let world = bench.subject.world().await;
    let error = bench.network.join().await.expect_err("a join without a key");
    assert_eq!(error.kind, ErrorKind::Auth, "{error:?}");
    says_what_to_do(&error);
    assert_eq!(bench.subject.world().await, world);
}

/// Each way in which a server refuses a key is an [`ErrorKind::Auth`] of its own code.
pub async fn wrong_keys_are_refused<S: Subject>(fresh: impl AsyncFn() -> S) {
    let mut codes = Vec::new();
    for way in 0.. {
        let subject = fresh().await;
        if !subject.refuse_key(way).await {
            break;
        }
        let bench = Bench::new(subject);
        let error = bench.network.join().await.expect_err("a join with a refused key");
        assert_eq!(error.kind, ErrorKind::Auth, "{error:?}");
        says_what_to_do(&error);
        holds_no_secret(&bench, &format!("{error:?} {error} {}", json(&error)));
        assert!(!bench.subject.is_enrolled().await);
        codes.push(error.code);
    }
    assert!(!codes.is_empty(), "a server that refuses no key");
    let distinct: std::collections::BTreeSet<_> = codes.iter().collect();
    assert_eq!(distinct.len(), codes.len(), "{codes:?}");
}

/// Nothing that a call returns, reports or records holds the value of a secret.
pub async fn no_output_holds_a_secret<S: Subject>(fresh: impl AsyncFn() -> S) {
    let bench = Bench::new(fresh().await);
    let [wish, _] = bench.subject.wishes();
    let plan = bench.network.plan(&wish).await.expect("a plan");
    let membership = bench.network.join().await.expect("a join");
    let applied = bench.network.apply(&wish).await.expect("an apply");
    let findings = bench.network.diagnose().await;
    assert!(!bench.host.asked().is_empty(), "a join of a new node needs its key");
    for shown in [
        format!("{plan:?} {membership:?} {applied:?} {findings:?} {:?}", bench.host),
        json(&plan) + &json(&membership) + &json(&applied) + &json(&findings),
        json(&bench.host.steps()) + &json(&bench.host.entries()),
        bench.subject.world().await.to_string(),
    ] {
        holds_no_secret(&bench, &shown);
    }
}

fn holds_no_secret<S: Subject>(bench: &Bench<S>, shown: &str) {
    for (key, secret) in bench.subject.secrets() {
        assert!(!shown.contains(secret.expose()), "the value of {key} is in an output");
    }
}

/// An error names its subject in one sentence, and says what fixes it.
pub(super) fn says_what_to_do(error: &Error) {
    assert!(!error.code.is_empty() && !error.what.is_empty(), "{error:?}");
    assert!(!error.what.ends_with('.'), "one sentence without a full stop: {}", error.what);
    assert!(error.fix.as_ref().is_some_and(|fix| !fix.is_empty()), "no fix: {error:?}");
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("a value that can be sent")
}
