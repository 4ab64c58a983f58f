//! Where plugins lie, and which of them may be run.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use provider_api::{Error, ErrorKind, ProviderName, Result};

use crate::trust::{self, Stranger};

/// Names the folder of plugins, in place of the usual ones.
pub const VARIABLE: &str = "MOORLINE_PLUGIN_DIR";

/// The packages' folder, and the one for what was put there by hand.
const USUAL: [&str; 2] = ["/usr/libexec/moorline/plugins", "/opt/moorline/plugins"];

/// The folders of plugins, in the order in which they are searched.
///
/// # Errors
/// Where the one that is named is no folder: nothing else is searched in its place.
pub(super) fn folders(named: Option<OsString>) -> Result<Vec<PathBuf>> {
    let Some(named) = named.filter(|named| !named.is_empty()) else {
        return Ok(USUAL.map(PathBuf::from).into());
    };
    let folder = PathBuf::from(named);
    if folder.is_absolute() && folder.is_dir() {
        return Ok(vec![folder]);
    }
    let what = format!("{VARIABLE}: {} is no absolute path of a folder", folder.display());
    let fix = format!("{VARIABLE}={}, or unset it", USUAL[0]);
    Err(Error::settings("plugin-dir", what).fix(fix))
}

/// The plugin of this name in the first folder that has it.
///
/// # Errors
/// Where somebody could have put another program in its place.
pub(super) fn plugin(name: &ProviderName, folders: &[PathBuf]) -> Result<Option<PathBuf>> {
    let file = format!("moorline-{name}");
    let found = folders.iter().map(|folder| folder.join(&file)).find(|path| path.exists());
    found.map(|path| trusted(&path).map(|()| path)).transpose()
}

/// Nobody else can change the file, or put another one there; also where it is a link.
fn trusted(path: &Path) -> Result<()> {
    let look = |place: &Path| trust::stranger(place).map_err(|error| unreadable(place, &error));
    let real = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
    let found = look(path)?.map_or_else(|| look(&real), |found| Ok(Some(found)))?;
    found.map_or(Ok(()), |stranger| Err(open_to(&stranger, path)))
}

fn open_to(stranger: &Stranger, plugin: &Path) -> Error {
    let Stranger { place, who } = stranger;
    let (place, plugin) = (place.display(), plugin.display());
    let what = format!("{place} can be changed by {who}, and {plugin} is to be run");
    Error::new(ErrorKind::Denied, "plugin-open-to-others", what)
        .fix(format!("chown root: {place} && chmod go-w {place}"))
}

fn unreadable(place: &Path, error: &std::io::Error) -> Error {
    let what = format!("cannot look at {}: {error}", place.display());
    Error::unavailable("plugin-start", what).fix(format!("ls -lL {}", place.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    struct Folder(tempfile::TempDir);

    impl Folder {
        /// A folder that has this plugin.
        fn with(name: &str) -> Folder {
            let folder = Folder(tempfile::tempdir().unwrap());
            fs::write(folder.0.path().join(name), "").unwrap();
            folder.allow("", 0o755).allow(name, 0o755)
        }

        fn allow(self, file: &str, mode: u32) -> Folder {
            let path = self.path().join(file);
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            self
        }

        fn path(&self) -> PathBuf {
            self.0.path().to_owned()
        }

        fn look(&self) -> Result<Option<PathBuf>> {
            look(&[self.path()])
        }
    }

    fn look(folders: &[PathBuf]) -> Result<Option<PathBuf>> {
        plugin(&"fake".parse().unwrap(), folders)
    }

    #[test]
    fn the_variable_stands_for_the_usual_folders() {
        let folder = Folder::with("moorline-fake");
        assert_eq!(folders(Some(folder.path().into())), Ok(vec![folder.path()]));
        for nothing in [None, Some("".into())] {
            assert_eq!(folders(nothing), Ok(USUAL.map(PathBuf::from).into()));
        }
        for wrong in ["plugins", "/nowhere/at/all", "/etc/passwd"] {
            let error = folders(Some(wrong.into())).unwrap_err();
            assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Settings, "plugin-dir"));
            assert!(error.what.contains(wrong), "{error}");
        }
    }

    #[test]
    fn the_first_folder_that_has_it_counts() {
        let (other, one, two) = (
            Folder::with("moorline-other"),
            Folder::with("moorline-fake"),
            Folder::with("moorline-fake"),
        );
        let found = look(&[PathBuf::from("/nowhere"), other.path(), one.path(), two.path()]);
        assert_eq!(found, Ok(Some(one.path().join("moorline-fake"))));
        assert_eq!(other.look(), Ok(None));
    }

    #[test]
    fn what_others_can_write_is_refused_by_its_name() {
        let folder = Folder::with("moorline-fake").allow("moorline-fake", 0o757);
        let error = folder.look().unwrap_err();
        let place = folder.path().join("moorline-fake").display().to_string();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "plugin-open-to-others"));
        assert!(error.what.starts_with(&format!("{place} can be changed")), "{error}");
        assert!(error.fix.unwrap().contains(&format!("chmod go-w {place}")));
    }

    #[test]
    fn a_link_is_as_good_as_the_file_behind_it_and_its_folder() {
        let real = Folder::with("fake-plugin");
        let folder = Folder::with("moorline-other");
        symlink(real.path().join("fake-plugin"), folder.path().join("moorline-fake")).unwrap();
        assert_eq!(folder.look(), Ok(Some(folder.path().join("moorline-fake"))));
        let real = real.allow("", 0o777);
        assert!(folder.look().is_err());
        let real = real.allow("", 0o755).allow("fake-plugin", 0o757);
        assert!(folder.look().is_err());
        drop(real);
        assert_eq!(folder.look(), Ok(None), "it leads nowhere");
    }
}
