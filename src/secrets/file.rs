//! Files that hold secrets: read only where nobody else can.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use provider_api::{Error, ErrorKind, Result, Secret};

/// The longest file that is taken for one with a secret, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Who may read a file: what `stat` says of it, and who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// Its mode bits.
    pub mode: u32,
    /// Its owner.
    pub owner: u32,
    /// The user who asks.
    pub asker: u32,
}

impl Guard {
    /// Of a file that this process asks for.
    pub fn of(file: &Metadata) -> Self {
        let asker = rustix::process::geteuid().as_raw();
        Guard { mode: file.mode(), owner: file.uid(), asker }
    }

    /// Whether only its owner can read the file, and the owner is root or the asker. Pure.
    ///
    /// # Errors
    /// With the command that mends it.
    pub fn check(self, path: &Path) -> Result<()> {
        let path = path.display();
        if self.mode & 0o077 != 0 {
            let mode = self.mode & 0o7777;
            let what = format!("{path} holds a secret that others can reach (mode {mode:04o})");
            return Err(Error::settings("secret-file-mode", what).fix(format!("chmod 600 {path}")));
        }
        if self.owner != 0 && self.owner != self.asker {
            let what = format!("{path} holds a secret and belongs to user {}", self.owner);
            let fix = format!("chown {} {path}", self.asker);
            return Err(Error::settings("secret-file-owner", what).fix(fix));
        }
        Ok(())
    }
}

/// Reads a file that only its owner can read.
///
/// # Errors
/// Those of [`Guard::check`], and where it cannot be read; each names the file.
pub fn read_guarded(path: &Path) -> Result<Secret> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    // Asked of the open file, so that the answer is about what is read.
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        let what = format!("{} is a directory, not a file with a secret", path.display());
        return Err(Error::settings("secret-file", what).fix("name a file in it"));
    }
    Guard::of(&metadata).check(path)?;
    read_text(path, file)
}

/// Reads a short text.
pub(super) fn read_text(path: &Path, file: impl Read) -> Result<Secret> {
    let mut text = String::new();
    let read = file.take(LONGEST + 1).read_to_string(&mut text);
    // From here on the text is wiped when it is dropped.
    let text = Secret::new(text);
    match read {
        Ok(length) if length as u64 > LONGEST => {
            let what = format!("{} is too long for a file with a secret", path.display());
            Err(Error::settings("secret-file-long", what).fix("keep the secret there, and no more"))
        }
        Ok(_) => Ok(text),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Without the right to read it, root must help; otherwise the path is wrong.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let what = format!("cannot read {}: {error}", path.display());
    match error.kind() == std::io::ErrorKind::PermissionDenied {
        true => Error::new(ErrorKind::Denied, "secret-file", what).fix("run moorline as root"),
        false => Error::settings("secret-file", what)
            .fix(format!("put it there: install -D -m 600 /dev/stdin {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn check(mode: u32, owner: u32) -> Result<()> {
        Guard { mode, owner, asker: 1000 }.check(Path::new("/etc/moorline/key"))
    }

    #[test]
    fn only_its_owner_can_reach_it() {
        for mode in [0o100600, 0o100400, 0o600] {
            assert_eq!(check(mode, 1000), Ok(()));
        }
        for mode in [0o100644, 0o100640, 0o100604, 0o100620, 0o100602] {
            let error = check(mode, 1000).expect_err("others can reach it");
            assert_eq!(error.fix.as_deref(), Some("chmod 600 /etc/moorline/key"));
        }
        assert_eq!(
            check(0o100644, 0).expect_err("others").what,
            "/etc/moorline/key holds a secret that others can reach (mode 0644)"
        );
    }

    #[test]
    fn its_owner_is_root_or_the_asker() {
        assert_eq!(check(0o600, 0), Ok(()));
        let error = check(0o600, 1001).expect_err("somebody else's");
        assert_eq!(error.fix.as_deref(), Some("chown 1000 /etc/moorline/key"));
    }

    #[test]
    fn a_real_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        std::fs::write(&path, "key-1\n").expect("a file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("chmod");
        assert_eq!(read_guarded(&path).expect_err("readable").code, "secret-file-mode");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("chmod");
        assert_eq!(read_guarded(&path).expect("ours"), Secret::new("key-1\n"));

        let missing = read_guarded(&directory.path().join("none")).expect_err("no such file");
        assert!(
            missing.what.ends_with("none: No such file or directory (os error 2)"),
            "{missing}"
        );
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let zeros = File::open("/dev/zero").expect("always there");
        let error = read_text(Path::new("/dev/zero"), zeros).expect_err("endless");
        assert_eq!(error.code, "secret-file-long");
    }
}
