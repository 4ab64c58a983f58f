//! What `install` made on this machine, so that `uninstall` takes back that and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use provider_api::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::files;

/// The version of the record that this program writes.
const VERSION: u32 = 1;

/// What `install` made on this machine.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    /// The files that it wrote.
    #[serde(default)]
    pub files: BTreeMap<PathBuf, Written>,
    /// The folders that it made.
    #[serde(default)]
    pub folders: BTreeSet<PathBuf>,
}

/// A file that `install` wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    /// The fingerprint of what was written last.
    pub fingerprint: String,
    /// Where that lies which was in its place before.
    #[serde(default)]
    pub before: Option<PathBuf>,
    /// Whether somebody else wrote to it as well: then it is not ours to remove.
    #[serde(default)]
    pub shared: bool,
}

impl Default for Record {
    fn default() -> Self {
        Record { version: VERSION, files: BTreeMap::new(), folders: BTreeSet::new() }
    }
}

impl Record {
    /// Reads the record in a folder; an absent one is empty.
    ///
    /// # Errors
    /// Names the file that cannot be read, or is of a newer version.
    pub(super) fn load(folder: &Path) -> Result<Self> {
        let path = path(folder);
        let Some(text) = files::read(&path)? else { return Ok(Record::default()) };
        let record: Record =
            serde_json::from_str(&text).map_err(|cause| unreadable(&path, &cause))?;
        match record.version {
            ..=VERSION => Ok(record),
            newer => Err(too_new(&path, newer)),
        }
    }

    /// Replaces the record; one of nothing is removed.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub(super) fn store(&self, folder: &Path) -> Result<()> {
        let path = path(folder);
        if *self == Record::default() {
            return files::remove(&path);
        }
        let text = serde_json::to_string_pretty(self)
            .map_err(|cause| Error::bug(format!("a record cannot be written as JSON: {cause}")))?;
        files::replace(&path, 0o600, &format!("{text}\n"))
    }
}

/// Where the record is.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("install.json")
}

fn unreadable(path: &Path, cause: &serde_json::Error) -> Error {
    let path = path.display();
    let what = format!("cannot read {path}: {cause}");
    Error::settings("install-record", what).fix(format!(
        "restore {path} from a backup; or remove it: `uninstall` then leaves the files that \
         `install` wrote, and names them"
    ))
}

fn too_new(path: &Path, version: u32) -> Error {
    let what = format!("{} has version {version}; this moorline knows {VERSION}", path.display());
    Error::new(ErrorKind::Unsupported, "install-record", what)
        .fix("use the moorline that wrote it, or a newer one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_and_an_empty_one_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Record::load(folder.path()), Ok(Record::default()));
        let mut record = Record::default();
        record.folders.insert("/etc/moorline".into());
        record.store(folder.path()).expect("stored");
        assert_eq!(Record::load(folder.path()), Ok(record));
        Record::default().store(folder.path()).expect("stored");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_newer_record_is_not_guessed_at() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(path(folder.path()), "{\"version\": 2}").expect("a file");
        let error = Record::load(folder.path()).expect_err("too new");
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unsupported, "install-record"));
    }
}
