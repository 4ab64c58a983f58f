//! The kernel's keyring.

use provider_api::{Error, ErrorKind, Result, Secret};

/// The entry of this name.
pub(super) fn read(name: &str) -> Result<Secret> {
    let what = format!("keyring:{name}: this build cannot read the kernel's keyring");
    Err(Error::new(ErrorKind::Unsupported, "keyring", what).fix("use file:PATH or cred:NAME"))
}
