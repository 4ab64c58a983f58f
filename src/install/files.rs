//! Files that are replaced whole.

use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind as IoErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use provider_api::{Error, ErrorKind, Result};
use ring::digest;

/// What is in a file; none where there is none.
///
/// # Errors
/// Names the file that cannot be read.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(cause) if cause.kind() == IoErrorKind::NotFound => Ok(None),
        Err(cause) => Err(fault("read", path, &cause)),
    }
}

/// Replaces a file: after a crash there is the old one or the new one.
///
/// # Errors
/// Names the file that cannot be written; the old one is still there.
pub(super) fn replace(path: &Path, mode: u32, text: &str) -> Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    write(Path::new(&new), path, mode, text).map_err(|cause| fault("write", path, &cause))
}

fn write(new: &Path, path: &Path, mode: u32, text: &str) -> std::io::Result<()> {
    match fs::remove_file(new) {
        Err(cause) if cause.kind() != IoErrorKind::NotFound => return Err(cause),
        Ok(()) | Err(_) => {}
    }
    let mut file = File::options().write(true).create_new(true).mode(mode).open(new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)
}

/// Removes a file; nothing where there is none.
///
/// # Errors
/// Names the file that cannot be removed.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != IoErrorKind::NotFound => Err(fault("remove", path, &cause)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes a folder that others may look into, and says whether it was not there.
///
/// # Errors
/// Names the folder that cannot be made.
pub(super) fn make_folder(path: &Path) -> Result<bool> {
    if path.is_dir() {
        return Ok(false);
    }
    let made = DirBuilder::new().recursive(true).mode(0o755).create(path);
    made.map(|()| true).map_err(|cause| fault("make", path, &cause))
}

/// Removes a folder that nothing is left in. Whether it is gone.
///
/// # Errors
/// Names the folder that cannot be removed.
pub(super) fn remove_empty(path: &Path) -> Result<bool> {
    match fs::remove_dir(path) {
        Ok(()) => Ok(true),
        Err(cause) if cause.kind() == IoErrorKind::NotFound => Ok(true),
        Err(cause) if cause.kind() == IoErrorKind::DirectoryNotEmpty => Ok(false),
        Err(cause) => Err(fault("remove", path, &cause)),
    }
}

/// What tells a text from any other, without showing it.
pub(super) fn fingerprint(text: &str) -> String {
    let sum = digest::digest(&digest::SHA256, text.as_bytes());
    sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What keeps from doing this with a file.
pub(super) fn fault(verb: &str, path: &Path, cause: &std::io::Error) -> Error {
    const CODE: &str = "install-file";
    let what = format!("cannot {verb} {}: {cause}", path.display());
    if cause.kind() == IoErrorKind::PermissionDenied {
        return Error::new(ErrorKind::Denied, CODE, what).fix("run moorline as root");
    }
    let folder = path.parent().unwrap_or(path).display();
    Error::unavailable(CODE, what).fix(format!("ls -ld {folder}; df {folder}"))
}
