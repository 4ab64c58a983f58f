//! The kernel's keyring (keyrings(7)): what `keyctl padd user NAME @u` put there.

use linux_keyutils::{KeyError, KeyRing, KeyRingIdentifier};
use provider_api::{Error, ErrorKind, Result, Secret};

/// The key of type `user` and this description, wherever this process can find it: in its
/// session keyring, its user's, or its user's persistent one.
pub(super) fn read(name: &str) -> Result<Secret> {
    match found(name) {
        Ok(bytes) => text(name, bytes),
        Err(error) => Err(missing(name, error)),
    }
}

fn found(name: &str) -> Result<Vec<u8>, KeyError> {
    let session = KeyRing::from_special_id(KeyRingIdentifier::Session, false);
    match session.and_then(|session| session.search(name)) {
        Ok(key) => key.read_to_vec(),
        Err(_) => possessed()?.search(name)?.read_to_vec(),
    }
}

/// Reading a key takes possession of it, so the user's keyrings are linked into one that ends
/// with this process; the session's would show the links to others.
fn possessed() -> Result<KeyRing, KeyError> {
    let process = KeyRing::from_special_id(KeyRingIdentifier::Process, true)?;
    process.link_keyring_id(KeyRingIdentifier::User)?;
    match KeyRing::get_persistent(KeyRingIdentifier::Process) {
        // A kernel may be built without persistent keyrings.
        Ok(_) | Err(KeyError::OperationNotSupported) => Ok(process),
        Err(error) => Err(error),
    }
}

fn text(name: &str, bytes: Vec<u8>) -> Result<Secret> {
    String::from_utf8(bytes).map(Secret::new).map_err(|_| {
        Error::settings("secret-not-text", format!("keyring:{name} holds bytes that are no text"))
    })
}

fn missing(name: &str, error: KeyError) -> Error {
    let lost =
        matches!(error, KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked);
    if !lost {
        let what = format!("keyring:{name}: the kernel refuses its keyring: {error:?}");
        let fix = "use file:PATH or cred:NAME; containers often forbid keyctl";
        return Error::new(ErrorKind::Unsupported, "keyring", what).fix(fix);
    }
    Error::settings("secret-missing", format!("the kernel's keyring has no key keyring:{name}"))
        .fix(format!(
            "keyctl padd user {name} @u < /etc/moorline/{name}\n\
             a reboot empties the keyring: cred:NAME and file:PATH outlive it"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a keyring that ends with the test's process: nothing else is touched.
    #[test]
    fn a_key_of_this_process() {
        let process = match possessed() {
            Ok(process) => process,
            Err(error) => {
                let strict = std::env::var_os("TESTENV_STRICT").is_some_and(|strict| strict == "1");
                assert!(!strict, "needs keyctl, and TESTENV_STRICT=1 allows no skipping: {error}");
                eprintln!("skipped: needs keyctl: {error}");
                return;
            }
        };
        let name = format!("moorline-test-{}", std::process::id());
        process.add_key(&name, b"key-1\n").expect("added");
        assert_eq!(read(&name), Ok(Secret::new("key-1\n")));
    }

    #[test]
    fn a_missing_key_shows_how_to_add_it() {
        let error = read("moorline-no-such-key").expect_err("missing");
        assert_eq!(error.what, "the kernel's keyring has no key keyring:moorline-no-such-key");
        assert!(error.fix.expect("a fix").starts_with("keyctl padd user moorline-no-such-key @u"));
    }
}
