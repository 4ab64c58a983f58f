//! Writes the archive.

use std::fs::OpenOptions;
use std::io::{ErrorKind as IoErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use flate2::Compression;
use flate2::write::GzEncoder;
use provider_api::{Error, ErrorKind, Result};

use super::File;

/// The folder that the files unpack into.
const FOLDER: &str = "moorline-bundle";

/// Writes these files into an archive that was not there, and that only its owner can read.
pub(super) fn write(path: &Path, files: &[File]) -> Result<()> {
    let fault = |error: std::io::Error| unwritable(path, &error);
    let bytes = packed(files, SystemTime::now()).map_err(fault)?;
    let mut open = OpenOptions::new();
    let mut file = open.write(true).create_new(true).mode(0o600).open(path).map_err(fault)?;
    file.write_all(&bytes).map_err(fault)
}

fn packed(files: &[File], now: SystemTime) -> std::io::Result<Vec<u8>> {
    let time = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(time);
        archive.append_data(&mut header, format!("{FOLDER}/{name}"), text.as_bytes())?;
    }
    archive.into_inner()?.finish()
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    let what = format!("cannot write {}: {error}", path.display());
    let (kind, fix) = if error.kind() == IoErrorKind::PermissionDenied {
        (ErrorKind::Denied, "name a file elsewhere")
    } else if error.kind() == IoErrorKind::AlreadyExists {
        (ErrorKind::Conflict, "name another file")
    } else {
        (ErrorKind::Unavailable, "name a file elsewhere, or make room")
    };
    Error::new(kind, "bundle-file", what).fix(format!("{fix}: moorline doctor --bundle PATH"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_archive_is_its_owners_alone_and_replaces_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bundle.tar.gz");
        let files = [("net/rules.txt".to_owned(), "0: from all lookup local\n".to_owned())];
        write(&path, &files).expect("written");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let error = write(&path, &files).expect_err("there already");
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Conflict, "bundle-file"));

        let packed = std::fs::File::open(&path).expect("there");
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
        let mut entries = archive.entries().expect("an archive");
        let mut entry = entries.next().expect("a file").expect("a file");
        assert_eq!(entry.path().expect("a path").to_str(), Some("moorline-bundle/net/rules.txt"));
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).expect("text");
        assert_eq!(text, files[0].1);
    }
}
