//! The socket itself: where it is, and whom the file system lets in.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind::NotFound};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use provider_api::{Error, ErrorKind, Result};
use rustix::fs::Mode;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with,
};

/// Who may read, beside root.
const GROUP: &str = "moorline";
const GROUPS: &str = "/etc/group";
const BACKLOG: i32 = 64;

/// Where the socket is.
pub(super) fn path(run_dir: &Path) -> PathBuf {
    run_dir.join("control.sock")
}

/// Makes the socket, in place of one that an earlier service left.
///
/// # Errors
/// Where the folder does not let us.
pub(super) fn listen_at(path: &Path) -> Result<tokio::net::UnixListener> {
    let group = fs::read_to_string(GROUPS).ok().and_then(|groups| number(&groups, GROUP));
    let made = make(path, group).and_then(|socket| {
        socket.set_nonblocking(true)?;
        tokio::net::UnixListener::from_std(socket)
    });
    made.map_err(|cause| {
        let what = format!("cannot make the control socket {}: {cause}", path.display());
        let fix = "run moorline as root, or name another folder with --run-dir";
        Error::new(ErrorKind::Denied, "service-socket", what).fix(fix)
    })
}

/// The socket is never there with more rights than it is to have, and never without somebody who
/// listens.
fn make(path: &Path, group: Option<u32>) -> io::Result<UnixListener> {
    make_folder(path.parent().unwrap_or(Path::new("/")))?;
    let new = path.with_extension("sock.new");
    remove(&new)?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // The kernel gives these bits to the file that `bind` makes.
    rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    bind(&socket, &SocketAddrUnix::new(&new)?)?;
    if let Some(group) = group {
        chown(&new, None, Some(group))?;
        fs::set_permissions(&new, Permissions::from_mode(0o660))?;
    }
    listen(&socket, BACKLOG)?;
    fs::rename(&new, path)?;
    Ok(UnixListener::from(socket))
}

/// A folder of ours lets everybody through: each file in it says who may read it.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o755))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The number of a group, as group(5) has it.
fn number(groups: &str, name: &str) -> Option<u32> {
    let mut lines = groups.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| match fields.next() {
        Some(found) if found == name => fields.nth(1)?.parse().ok(),
        Some(_) | None => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_group_has_a_number() {
        let groups = "root:x:0:\nmoorliners:x:7:\nmoorline:x:998:ann,bob\nbroken\n";
        assert_eq!(number(groups, "moorline"), Some(998));
        assert_eq!(number(groups, "nobody"), None);
        assert_eq!(number("moorline:x:many:", "moorline"), None);
    }

    #[test]
    fn without_a_group_the_socket_is_root_s_alone_and_replaces_a_stale_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(&folder.path().join("run"));
        for _ in 0..2 {
            let listener = make(&path, None).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
            assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o755);
            assert!(UnixStream::connect(&path).is_ok());
            drop(listener);
            assert!(UnixStream::connect(&path).is_err(), "stale");
        }
    }

    #[test]
    fn a_group_may_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path());
        let own = rustix::process::getegid().as_raw();
        let _listener = make(&path, Some(own)).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.mode() & 0o777, metadata.gid()), (0o660, own));
    }
}
