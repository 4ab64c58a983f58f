//! What the service manager hands to the service for a `cred:` reference (systemd.exec(5),
//! "Credentials").

use std::path::{Path, PathBuf};

use provider_api::{Error, Result};

use super::unit::quoted;

/// Where systemd looks for a credential by its name alone: first those that it decrypts.
const STORES: [(&str, bool); 6] = [
    ("/etc/credstore.encrypted", true),
    ("/run/credstore.encrypted", true),
    ("/usr/lib/credstore.encrypted", true),
    ("/etc/credstore", false),
    ("/run/credstore", false),
    ("/usr/lib/credstore", false),
];

/// A credential of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credential {
    name: String,
    path: PathBuf,
    encrypted: bool,
}

impl Credential {
    /// The credential of this name, in a store of systemd's or in our folder.
    ///
    /// # Errors
    /// Where there is none, with the command that makes one.
    pub(super) fn find(name: &str, folder: &Path) -> Result<Self> {
        let stores = STORES.iter().map(|(store, encrypted)| (Path::new(store), *encrypted));
        Credential::among(name, stores.chain([(folder, false)])).ok_or_else(|| missing(name))
    }

    fn among<'a>(name: &str, stores: impl IntoIterator<Item = (&'a Path, bool)>) -> Option<Self> {
        let mut found = stores.into_iter().map(|(store, encrypted)| (store.join(name), encrypted));
        let (path, encrypted) = found.find(|(path, _)| path.is_file())?;
        Some(Credential { name: name.to_owned(), path, encrypted })
    }

    /// The line of the section `[Service]`. An absolute path, so that a credential that goes
    /// missing keeps the service from starting, and says so.
    pub(super) fn line(&self) -> String {
        let option = if self.encrypted { "LoadCredentialEncrypted" } else { "LoadCredential" };
        format!("{option}={}:{}", self.name, quoted(&self.path.display().to_string()))
    }
}

fn missing(name: &str) -> Error {
    let what = format!("there is no credential {name} for cred:{name}");
    Error::settings("credential-missing", what).fix(format!(
        "put the secret on the standard input of:\n\
         mkdir -p /etc/credstore.encrypted; \
         systemd-creds encrypt --name={name} - /etc/credstore.encrypted/{name}\n\
         or, not encrypted: install -D -m 600 /dev/stdin /etc/credstore/{name}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_encrypted_goes_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let [sealed, open] = ["sealed", "open"].map(|name| folder.path().join(name));
        for store in [&sealed, &open] {
            std::fs::create_dir(store).expect("a folder");
            std::fs::write(store.join("key"), "").expect("a file");
        }
        let found = |name| Credential::among(name, [(sealed.as_path(), true), (&open, false)]);
        let line = format!("LoadCredentialEncrypted=key:{}/key", sealed.display());
        assert_eq!(found("key").expect("there").line(), line);
        assert_eq!(found("other"), None);
        std::fs::remove_file(sealed.join("key")).expect("there");
        let line = format!("LoadCredential=key:{}/key", open.display());
        assert_eq!(found("key").expect("there").line(), line);
    }

    #[test]
    fn a_missing_one_names_the_command_that_makes_it() {
        let error = Credential::find("moorline-no-such", Path::new("/nonexistent"));
        let fix = error.expect_err("missing").fix.expect("a fix");
        assert!(fix.contains("systemd-creds encrypt --name=moorline-no-such - /etc/"), "{fix}");
    }
}
