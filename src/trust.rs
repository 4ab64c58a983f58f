//! Whether a program may be run with the rights that this one has.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Somebody who could put another program in a program's place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stranger {
    /// The file or folder that they can change.
    pub(crate) place: PathBuf,
    /// Who they are, in words.
    pub(crate) who: String,
}

/// Who else than root, the groups that root trusts and whoever runs this can change this file,
/// or a folder that it is in.
///
/// # Errors
/// Where that cannot be told.
pub(crate) fn stranger(path: &Path) -> io::Result<Option<Stranger>> {
    let me = rustix::process::geteuid().as_raw();
    for place in path.ancestors() {
        let metadata = std::fs::metadata(place)?;
        if let Some(who) = who(metadata.mode(), metadata.uid(), me) {
            return Ok(Some(Stranger { place: place.to_owned(), who }));
        }
    }
    Ok(None)
}

fn who(mode: u32, owner: u32, me: u32) -> Option<String> {
    const FOLDER: u32 = 0o40000;
    // What lies in a folder with this bit is safe from those who may only add to it.
    const STICKY: u32 = 0o1000;
    if owner != 0 && owner != me {
        return Some(format!("user {owner}"));
    }
    let by_all = mode & 0o002 != 0 && mode & (FOLDER | STICKY) != FOLDER | STICKY;
    by_all.then(|| "everybody".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_and_oneself_may_change_what_is_run() {
        for mode in [0o100755, 0o40755, 0o42775, 0o41777] {
            assert_eq!(who(mode, 0, 0), None, "{mode:o}");
            assert_eq!(who(mode, 1000, 1000), None, "{mode:o}");
        }
        for mode in [0o100757, 0o101757, 0o40777] {
            assert_eq!(who(mode, 0, 0).as_deref(), Some("everybody"), "{mode:o}");
        }
        assert_eq!(who(0o40755, 1000, 0).as_deref(), Some("user 1000"));
    }

    #[test]
    fn the_place_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("program");
        std::fs::write(&file, "").unwrap();
        assert_eq!(stranger(&file).unwrap(), None);
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let found = Stranger { place: folder.path().to_owned(), who: "everybody".into() };
        assert_eq!(stranger(&file).unwrap(), Some(found));
        assert!(stranger(&folder.path().join("nothing")).is_err());
    }
}
