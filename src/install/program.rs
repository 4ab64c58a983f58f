//! The program that the service is to run.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use provider_api::{Error, Result};

/// This program, where only root can change it.
///
/// # Errors
/// Where somebody else could: the service would run as root what they put there.
pub fn this_program() -> Result<PathBuf> {
    let path = std::env::current_exe()
        .map_err(|cause| Error::bug(format!("cannot tell where this program is: {cause}")))?;
    for part in path.ancestors() {
        let metadata = std::fs::metadata(part).map_err(|cause| {
            let what = format!("cannot look at {}: {cause}", part.display());
            Error::settings("install-program", what).fix(elsewhere(&path))
        })?;
        if let Some(who) = stranger(metadata.mode(), metadata.uid()) {
            let what = format!(
                "{} can be changed by {who}, and root is to run what it holds",
                part.display()
            );
            return Err(Error::settings("install-program", what).fix(elsewhere(&path)));
        }
    }
    Ok(path)
}

/// Who but root, and the groups that root trusts, can change a file or folder.
fn stranger(mode: u32, owner: u32) -> Option<String> {
    const STICKY: u32 = 0o1000;
    match (owner, mode & 0o002 != 0 && mode & STICKY == 0) {
        (0, false) => None,
        (0, true) => Some("everybody".to_owned()),
        (owner, _) => Some(format!("user {owner}")),
    }
}

fn elsewhere(path: &Path) -> String {
    format!(
        "install -m 755 {} /usr/local/bin/moorline && /usr/local/bin/moorline install",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_may_change_what_root_runs() {
        for mode in [0o100755, 0o40755, 0o42775, 0o41777] {
            assert_eq!(stranger(mode, 0), None, "{mode:o}");
        }
        assert_eq!(stranger(0o100757, 0).as_deref(), Some("everybody"));
        assert_eq!(stranger(0o40755, 1000).as_deref(), Some("user 1000"));
    }
}
