//! The real daemons.

mod flannel;
mod headscale;
mod systemd;
mod tailscaled;

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

pub use flannel::Flanneld;
pub use headscale::{Authkey, Headscale, HeadscaleBuilder, Node, User};
pub use systemd::Systemd;
pub use tailscaled::Tailscaled;

/// The folder that holds the binaries of a daemon, built if need be.
///
/// # Panics
/// Where it cannot be built, with the script's own words.
pub(crate) fn folder(daemon: &str) -> PathBuf {
    static FOUND: Mutex<Vec<(String, PathBuf)>> = Mutex::new(Vec::new());
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, folder)) = found.iter().find(|(name, _)| name == daemon) {
        return folder.clone();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/daemons/build");
    let output = Command::new(script).arg(daemon).output().expect("the script daemons/build");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    found.push((daemon.to_owned(), folder.clone()));
    folder
}
