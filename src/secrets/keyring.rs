//! The kernel's keyring (keyrings(7)): keys of the user that Moorline runs as.
//!
//! That user's own keyring, `@u`, is what a shell and a service share: a service has a session
//! keyring to itself (systemd.exec(5), `KeyringMode=`), and the persistent keyring forgets
//! what nobody asked for in three days. A key of ours carries the place of the state in its
//! name, so that two of Moorline on one machine hold their own.

mod entry;

use std::path::Path;
use std::time::Duration;

use linux_keyutils::{Key, KeyError, KeyRing, KeyRingIdentifier};
use provider_api::{Error, ErrorKind, Result, Secret};

pub use entry::{Entry, Expiry};

/// The most keys that a keyring is asked for. The kernel lets root have a million.
const MOST: usize = 65536;

/// The keys of one Moorline.
#[derive(Debug, Clone)]
pub struct Keyring {
    prefix: String,
}

impl Keyring {
    /// The keys of the Moorline whose state is here.
    pub fn of(state: &Path) -> Self {
        Keyring { prefix: format!("moorline:{}:", state.display()) }
    }

    /// The key of this name: one of ours, or else any of type `user` that this process can find
    /// in its session keyring, its user's, or its user's persistent one.
    ///
    /// # Errors
    /// Where there is none, with the command that puts one there.
    pub fn read(&self, name: &str) -> Result<Secret> {
        let found = found(&self.description(name)).or_else(|_| found(name));
        match found {
            Ok(bytes) => text(name, bytes),
            Err(error) => Err(missing(name, error)),
        }
    }

    /// Puts a key there, in place of an earlier one of its name.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn set(&self, name: &str, secret: &Secret, lasts: Option<Duration>) -> Result<()> {
        let put = || -> Result<(), KeyError> {
            possessed()?;
            let key = users()?.add_key(&self.description(name), secret.expose().as_bytes())?;
            let seconds = lasts.and_then(|lasts| usize::try_from(lasts.as_secs()).ok());
            seconds.map_or(Ok(()), |seconds| key.set_timeout(seconds.max(1)))
        };
        put().map_err(|error| refused(name, error))
    }

    /// The keys of ours, by name.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn list(&self) -> Result<Vec<Entry>> {
        let expiries = std::fs::read_to_string("/proc/keys").unwrap_or_default();
        let named = self.keys().map_err(|error| refused("*", error))?.into_iter();
        let mut entries: Vec<Entry> = named
            .map(|(name, key)| Entry {
                name,
                expires: entry::expiry(&expiries, key.get_id().as_raw_id()),
            })
            .collect();
        entries.sort();
        Ok(entries)
    }

    /// Takes a key of ours away. Whether it was there.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn remove(&self, name: &str) -> Result<bool> {
        let keys = self.keys().map_err(|error| refused(name, error))?;
        let ours: Vec<_> = keys.into_iter().filter(|(other, _)| other == name).collect();
        for (name, key) in &ours {
            unlink(*key).map_err(|error| refused(name, error))?;
        }
        Ok(!ours.is_empty())
    }

    /// Takes all keys of ours away, and tells their names. Where the kernel has no keyring for
    /// us, there are none.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn purge(&self) -> Result<Vec<String>> {
        let Ok(keys) = self.keys() else { return Ok(Vec::new()) };
        let unlinked = keys.into_iter().map(|(name, key)| match unlink(key) {
            Ok(()) => Ok(name),
            Err(error) => Err(refused(&name, error)),
        });
        unlinked.collect()
    }

    fn description(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The keys of ours that are in the user's keyring, by name.
    fn keys(&self) -> Result<Vec<(String, Key)>, KeyError> {
        possessed()?;
        let links = users()?.get_links(MOST)?;
        let ours = |key: Key| {
            let described = key.metadata().ok()?;
            Some((described.get_description().strip_prefix(&self.prefix)?.to_owned(), key))
        };
        Ok(links.iter().filter_map(|link| ours(link.as_key()?)).collect())
    }
}

fn users() -> Result<KeyRing, KeyError> {
    KeyRing::from_special_id(KeyRingIdentifier::User, true)
}

fn unlink(key: Key) -> Result<(), KeyError> {
    users()?.unlink_key(key)
}

fn found(description: &str) -> Result<Vec<u8>, KeyError> {
    let session = KeyRing::from_special_id(KeyRingIdentifier::Session, false);
    match session.and_then(|session| session.search(description)) {
        Ok(key) => key.read_to_vec(),
        Err(_) => possessed()?.search(description)?.read_to_vec(),
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
        return refused(name, error);
    }
    let gone = if error == KeyError::KeyExpired { "has expired" } else { "is not there" };
    Error::settings("secret-missing", format!("the key keyring:{name} {gone}")).fix(format!(
        "moorline secret set {name}\n\
         a reboot empties the keyring: cred:NAME and file:PATH outlive it"
    ))
}

fn refused(name: &str, error: KeyError) -> Error {
    let what = format!("keyring:{name}: the kernel refuses its keyring: {error:?}");
    let fix = "use file:PATH or cred:NAME; containers often forbid keyctl";
    Error::new(ErrorKind::Unsupported, "keyring", what).fix(fix)
}

#[cfg(test)]
mod tests;
