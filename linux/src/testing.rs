//! Namespaces for tests: made for one test, gone after it, also after a panic.

use std::future::Future;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::Command;

use crate::Namespace;
use crate::link::Bridge;

/// A namespace of a test's own.
pub(crate) struct Host {
    namespace: Namespace,
    _folder: tempfile::TempDir,
}

impl Host {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let namespace = Namespace::pinned(folder.path().join("host")).unwrap();
        let host = Host { namespace, _folder: folder };
        // Else each new interface is deaf to IPv6 for a second or two.
        host.sh("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
                 ip link set lo up");
        host
    }

    /// A path beside the namespace, that goes away with it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.path().with_file_name(name)
    }

    /// Runs a shell's lines inside; they must succeed.
    pub(crate) fn sh(&self, lines: &str) -> String {
        let output =
            self.run(|| Command::new("sh").args(["-ec", lines]).output()).unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`{lines}`: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs async work inside, and waits for it.
    pub(crate) fn block_on<T, F>(&self, work: impl FnOnce() -> F + Send) -> T
    where
        T: Send,
        F: Future<Output = T>,
    {
        self.run(|| block_on(work())).unwrap()
    }
}

impl Deref for Host {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        &self.namespace
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let pinned = self.path().parent().and_then(|folder| folder.read_dir().ok());
        for entry in pinned.into_iter().flatten().flatten() {
            drop(Namespace::remove(&entry.path()));
        }
    }
}

/// The bridge of a node's pods, with the gateway of both families.
pub(crate) fn bridge() -> Bridge {
    Bridge {
        hardware: [0x0a, 0x58, 10, 42, 3, 1],
        name: "moorline0".into(),
        mtu: Some(1280),
        addresses: ["10.42.3.1/24", "2001:cafe:42:3::1/64"].map(|at| at.parse().unwrap()).into(),
        others: false,
        alias: "moorline".into(),
    }
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Whether the test can run; says why where it cannot. `TESTENV_STRICT=1` makes that a
/// failure.
pub(crate) fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        assert!(
            std::env::var_os("TESTENV_STRICT").is_none_or(|strict| strict != "1"),
            "needs root, and TESTENV_STRICT=1 allows no skipping"
        );
        eprintln!("skipped: needs root, to make network namespaces");
    }
    root
}
