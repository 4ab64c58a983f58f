//! Network namespaces that are pinned at a path, so that they outlive every process.

use std::fs;
use std::future::Future;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::sync::oneshot;

use crate::error::{Cannot, Error, Result};
use crate::kernel;

/// `NSFS_MAGIC` of `linux/magic.h`: what a pinned namespace's file lives on.
const NSFS_MAGIC: u64 = 0x6e73_6673;

/// A network namespace, held open.
#[derive(Debug, Clone)]
pub struct Namespace {
    path: PathBuf,
    file: Arc<OwnedFd>,
}

impl Namespace {
    /// The namespace that is pinned at `path`, made if it is not there. Its folders are made
    /// too. A file that an interrupted run or a reboot left there, without a namespace
    /// mounted on it, is replaced.
    ///
    /// # Errors
    /// [`Error::InTheWay`] where `path` is a folder, or a file with something in it.
    pub fn pinned(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        if !Self::is_pinned(&path) {
            clear(&path)?;
            pin(&path)?;
        }
        Self::open(path)
    }

    /// The namespace that is pinned at `path`.
    ///
    /// # Errors
    /// [`Error::InTheWay`] where there is no namespace.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        if !Self::is_pinned(&path) {
            let why = "no namespace is mounted there".to_owned();
            return Err(Error::InTheWay { what: open_what(&path), why });
        }
        Self::open_link(path)
    }

    /// The namespace that the calling thread is in.
    pub fn current() -> Result<Self> {
        Self::open_link("/proc/thread-self/ns/net".into())
    }

    fn open_link(path: PathBuf) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = rustix::fs::open(&path, flags, Mode::empty()).cannot(|| open_what(&path))?;
        Ok(Namespace { path, file: Arc::new(file) })
    }

    /// Whether a namespace is mounted at `path`.
    pub fn is_pinned(path: &Path) -> bool {
        rustix::fs::statfs(path).is_ok_and(|on| on.f_type.cast_unsigned() == NSFS_MAGIC)
    }

    /// Unpins the namespace at `path` and removes the file; nothing where there is none. The
    /// namespace goes away, with its interfaces, once nobody has it open.
    pub fn remove(path: &Path) -> Result<()> {
        while Self::is_pinned(path) {
            unmount(path, UnmountFlags::DETACH)
                .cannot(|| format!("unmount the network namespace {}", path.display()))?;
        }
        clear(path)
    }

    /// Where it is pinned.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` on a thread of its own inside the namespace, and waits for it.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let inside = || self.enter().map(|()| work());
        thread::scope(|scope| join(scope.spawn(inside)))
    }

    /// Runs `work` on a thread and a current-thread runtime of its own, both inside the
    /// namespace. Dropping the returned future does not stop the work.
    pub async fn run_async<T, F>(&self, work: impl FnOnce() -> F + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = T>,
    {
        let (done, result) = oneshot::channel();
        let namespace = self.clone();
        thread::spawn(move || {
            let inside = || namespace.enter().and_then(|()| block_on(work()));
            // A caller that went away has no use for the result.
            drop(done.send(panic::catch_unwind(AssertUnwindSafe(inside))));
        });
        let ended = result.await.expect("the thread sends its result, also when it panics");
        ended.unwrap_or_else(|panic| panic::resume_unwind(panic))
    }

    /// Moves the calling thread into the namespace, for good.
    fn enter(&self) -> Result<()> {
        move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network))
            .cannot(|| format!("enter the network namespace {}", self.path.display()))
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn open_what(path: &Path) -> String {
    format!("open the network namespace {}", path.display())
}

/// Removes an empty file at `path`; nothing where there is none.
fn clear(path: &Path) -> Result<()> {
    let what = || format!("remove {}", path.display());
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).cannot(what),
    };
    if !found.is_file() || found.len() > 0 {
        let why = "it is no empty file, so it was not made to hold a namespace".to_owned();
        return Err(Error::InTheWay { what: what(), why });
    }
    fs::remove_file(path).cannot(what)
}

/// Makes a namespace and mounts it at `path`, where nothing is.
fn pin(path: &Path) -> Result<()> {
    let what = || format!("make the network namespace {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).cannot(|| format!("make the folder {}", folder.display()))?;
    }
    fs::File::create_new(path).cannot(what)?;
    let make = || -> Result<(), Errno> {
        kernel::enter_new_network_namespace()?;
        mount_bind("/proc/thread-self/ns/net", path)
    };
    thread::scope(|scope| join(scope.spawn(make))).cannot(what)
}

fn block_on<T>(work: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .cannot(|| "start a runtime inside a network namespace".to_owned())?;
    Ok(runtime.block_on(work))
}

/// The thread's result; its panic goes on here.
fn join<T>(worker: thread::ScopedJoinHandle<'_, T>) -> T {
    worker.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Host};
    use std::os::unix::fs::MetadataExt;

    fn identity(namespace: &Namespace) -> u64 {
        fs::metadata(namespace.path()).unwrap().ino()
    }

    #[test]
    fn a_pinned_namespace_is_adopted() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        let path = host.beside("folder/pinned");
        let made = Namespace::pinned(&path).unwrap();
        let adopted = Namespace::pinned(&path).unwrap();
        assert_eq!(identity(&made), identity(&adopted));
        Namespace::remove(&path).unwrap();
        Namespace::remove(&path).unwrap();
        assert!(!path.exists());
        fs::remove_dir(host.beside("folder")).unwrap();
    }

    #[test]
    fn a_stale_file_is_replaced() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        let path = host.beside("stale");
        fs::write(&path, "").unwrap();
        assert!(Namespace::open(&path).is_err());
        let made = Namespace::pinned(&path).unwrap();
        assert_ne!(identity(&made), identity(&host));
    }

    #[test]
    fn somebody_elses_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("precious");
        fs::write(&path, "data").unwrap();
        assert!(matches!(Namespace::pinned(&path), Err(Error::InTheWay { .. })));
        assert!(matches!(Namespace::remove(&path), Err(Error::InTheWay { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "data");
    }

    #[test]
    fn work_runs_inside_and_its_panic_comes_out() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        host.sh("ip link add marker type bridge");
        let links = || fs::read_to_string("/proc/thread-self/net/dev").unwrap();
        assert!(host.run(links).unwrap().contains("marker"));
        assert!(!links().contains("marker"));
        let inside = testing::block_on(host.run_async(move || async move { links() }));
        assert!(inside.unwrap().contains("marker"));
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            testing::block_on(host.run_async(|| async { panic!("on purpose") }))
        }));
        let panic = panicked.map(|result: Result<()>| result.is_ok()).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"));
    }
}
