//! systemd credentials: files of the service, which systemd puts into a directory of its own
//! (systemd.exec(5), `LoadCredential=`).

use std::fs::File;
use std::path::{Path, PathBuf};

use provider_api::{Error, Result, Secret};

use super::file;

/// The credential of this name. Guarded by its directory, whatever its mode bits say.
pub(super) fn read(name: &str) -> Result<Secret> {
    read_in(std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from).as_deref(), name)
}

fn read_in(directory: Option<&Path>, name: &str) -> Result<Secret> {
    let directory =
        directory.ok_or_else(|| missing(name, "this process was given no credentials"))?;
    let path = directory.join(name);
    match File::open(&path) {
        Ok(file) => file::read_text(&path, file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(missing(name, "the service was given other credentials"))
        }
        Err(error) => Err(file::unreadable(&path, &error)),
    }
}

fn missing(name: &str, why: &str) -> Error {
    Error::settings("secret-missing", format!("there is no credential cred:{name}: {why}")).fix(
        format!(
            "give it to the service:\n\
             [Service]\n\
             LoadCredential={name}:/etc/moorline/{name}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_a_file_in_its_directory() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("key"), "k").expect("a file");
        assert_eq!(read_in(Some(directory.path()), "key"), Ok(Secret::new("k")));
    }

    #[test]
    fn a_missing_one_shows_the_line_that_gives_it() {
        let directory = tempfile::tempdir().expect("a directory");
        for directory in [None, Some(directory.path())] {
            let error = read_in(directory, "join-key").expect_err("missing");
            assert!(error.what.starts_with("there is no credential cred:join-key"), "{error}");
            let fix = error.fix.expect("a fix");
            assert!(fix.ends_with("LoadCredential=join-key:/etc/moorline/join-key"), "{fix}");
        }
    }
}
