use super::*;

/// A keyring that nobody else's keys are in; none where the kernel has none for us.
fn keyring(test: &str) -> Option<Keyring> {
    if let Err(error) = possessed() {
        let strict = std::env::var_os("TESTENV_STRICT").is_some_and(|strict| strict == "1");
        assert!(!strict, "needs keyctl, and TESTENV_STRICT=1 allows no skipping: {error}");
        eprintln!("skipped: needs keyctl: {error}");
        return None;
    }
    let state = format!("/nonexistent/moorline-{test}-{}", std::process::id());
    Some(Keyring::of(Path::new(&state)))
}

#[test]
fn a_key_of_this_process() {
    let Some(keyring) = keyring("process") else { return };
    let name = format!("moorline-test-{}", std::process::id());
    possessed().expect("keyctl").add_key(&name, b"key-1\n").expect("added");
    assert_eq!(keyring.read(&name), Ok(Secret::new("key-1\n")));
    assert_eq!(keyring.list(), Ok(vec![]), "not one of ours");
}

#[test]
fn a_key_is_set_listed_replaced_and_removed() {
    let Some(keyring) = keyring("life") else { return };
    keyring.set("join-key", &Secret::new("key-1"), None).expect("set");
    assert_eq!(keyring.read("join-key"), Ok(Secret::new("key-1")));
    let entry = |expires| Entry { name: "join-key".to_owned(), expires };
    assert_eq!(keyring.list(), Ok(vec![entry(Expiry::Never)]));

    let (hour, day) = (Duration::from_secs(3600), Duration::from_secs(86400));
    keyring.set("join-key", &Secret::new("key-2"), Some(day)).expect("set again");
    assert_eq!(keyring.read("join-key"), Ok(Secret::new("key-2")));
    let listed = keyring.list().expect("listed");
    assert!(
        matches!(listed[..], [Entry { expires: Expiry::In(time), .. }] if time > 22 * hour),
        "{listed:?}"
    );

    assert_eq!(keyring.remove("join-key"), Ok(true));
    assert_eq!(keyring.remove("join-key"), Ok(false));
    assert_eq!(keyring.read("join-key").expect_err("removed").code, "secret-missing");
}

#[test]
fn all_are_purged_and_nobody_elses() {
    let Some(keyring) = keyring("purge") else { return };
    let other = Keyring::of(Path::new(&format!("/nonexistent/other-{}", std::process::id())));
    for keyring in [&keyring, &other] {
        keyring.set("a", &Secret::new("1"), None).expect("set");
    }
    keyring.set("b", &Secret::new("2"), None).expect("set");
    let mut purged = keyring.purge().expect("purged");
    purged.sort();
    assert_eq!(purged, ["a", "b"]);
    assert_eq!(keyring.purge(), Ok(vec![]));
    assert_eq!(other.purge(), Ok(vec!["a".to_owned()]));
}

#[test]
fn a_missing_key_shows_how_to_set_it() {
    let Some(keyring) = keyring("missing") else { return };
    let error = keyring.read("moorline-no-such-key").expect_err("missing");
    assert_eq!(error.what, "the key keyring:moorline-no-such-key is not there");
    let fix = error.fix.expect("a fix");
    assert!(fix.starts_with("moorline secret set moorline-no-such-key\n"), "{fix}");
}
