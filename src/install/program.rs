//! The program that the service is to run.

use std::path::{Path, PathBuf};

use provider_api::{Error, Result};

use crate::trust::{Stranger, stranger};

/// This program, where only root can change it.
///
/// # Errors
/// Where somebody else could: the service would run as root what they put there.
pub fn this_program() -> Result<PathBuf> {
    let path = std::env::current_exe()
        .map_err(|cause| Error::bug(format!("cannot tell where this program is: {cause}")))?;
    let refused = |what| Err(Error::settings("install-program", what).fix(elsewhere(&path)));
    match stranger(&path) {
        Ok(None) => Ok(path),
        Ok(Some(Stranger { place, who })) => {
            let place = place.display();
            refused(format!("{place} can be changed by {who}, and root is to run what it holds"))
        }
        Err(cause) => refused(format!("cannot look at {}: {cause}", path.display())),
    }
}

fn elsewhere(path: &Path) -> String {
    format!(
        "install -m 755 {} /usr/local/bin/moorline && /usr/local/bin/moorline install",
        path.display()
    )
}
