//! Labs, and what they are made of.

mod builder;
mod faults;
mod host;
mod internet;
mod moorline;
mod namespace;
mod outlet;
mod pod;
mod process;
mod registry;
mod web;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use builder::{HostBuilder, Nat};
pub use faults::{Fault, Hook};
pub use host::Host;
pub use moorline::{Moorline, Run, Running};
pub use pod::Pod;

pub(crate) use internet::Site;
pub(crate) use namespace::Namespace;
pub(crate) use process::{Process, mortal};

use crate::HeadscaleBuilder;
use internet::Internet;
use registry::Registration;

/// One lab. Dropping it takes everything down that it made.
///
/// # Panics
/// Dropping it fails the test if anything tried to leave the lab.
pub struct Lab {
    pub(crate) inner: Arc<Inner>,
}

/// What hosts and daemons share with their lab.
pub(crate) struct Inner {
    registration: Registration,
    pub(crate) internet: Internet,
    namespaces: Mutex<Vec<Arc<Namespace>>>,
    processes: Mutex<Vec<Arc<Process>>>,
    sites: AtomicU8,
    over: Mutex<bool>,
    bell: Condvar,
    at_the_end: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
    pub(crate) moorline: Mutex<Option<PathBuf>>,
}

impl Lab {
    /// A new lab of this name; none, and a line that says so, where this machine or this user
    /// cannot have one.
    ///
    /// # Panics
    /// With `TESTENV_STRICT=1`, where there can be no lab.
    pub fn new(name: &str) -> Option<Lab> {
        if !Lab::is_possible(name) {
            return None;
        }
        let registration = Registration::new(name);
        let internet = Internet::new(&registration);
        let inner = Inner {
            namespaces: Mutex::new(vec![internet.namespace()]),
            registration,
            internet,
            processes: Mutex::default(),
            sites: AtomicU8::new(1),
            over: Mutex::new(false),
            bell: Condvar::new(),
            at_the_end: Mutex::default(),
            moorline: Mutex::default(),
        };
        Some(Lab { inner: Arc::new(inner) })
    }

    /// Whether there can be labs here; a line says why not.
    ///
    /// # Panics
    /// With `TESTENV_STRICT=1`, where there can be none.
    pub fn is_possible(name: &str) -> bool {
        let Err(reason) = registry::possible() else { return true };
        let strict = std::env::var_os("TESTENV_STRICT").is_some_and(|strict| strict == "1");
        assert!(!strict, "{name}: {reason}");
        say(&format!("{name}: skipped: {reason}"));
        false
    }

    /// The same lab, where [`Host::moorline`] runs this binary.
    #[must_use]
    pub fn with_moorline(self, binary: impl Into<PathBuf>) -> Lab {
        *lock(&self.inner.moorline) = Some(binary.into());
        self
    }

    /// The lab's id: all its namespaces are called `ml<id>-<name>`.
    pub fn id(&self) -> &str {
        &self.inner.registration.id
    }

    /// Where the daemons of this lab log to.
    pub fn logs(&self) -> &Path {
        &self.inner.registration.logs
    }

    /// A host of this name, to be placed and started.
    pub fn host(&self, name: &str) -> HostBuilder {
        HostBuilder::new(Arc::clone(&self.inner), name)
    }

    /// A control server on a host of its own, to be configured and started.
    pub fn headscale(&self) -> HeadscaleBuilder {
        self.headscale_on("headscale")
    }

    /// A further control server, on a host of this name.
    pub fn headscale_on(&self, name: &str) -> HeadscaleBuilder {
        HeadscaleBuilder::new(self.host(name))
    }

    /// The destinations that something in this lab tried to reach outside of it.
    pub fn strays(&self) -> Vec<String> {
        self.inner.internet.strays()
    }

    /// Forgives what was caught so far: for tests that are about the trap itself.
    pub fn forgive_strays(&self) {
        self.inner.internet.forgive_strays();
    }
}

impl Inner {
    /// A new namespace of this lab.
    pub(crate) fn namespace(&self, name: &str) -> Arc<Namespace> {
        let namespace = Namespace::new(&self.registration.namespace(name));
        lock(&self.namespaces).push(Arc::clone(&namespace));
        namespace
    }

    /// The next free piece of the internet.
    pub(crate) fn site(&self) -> Site {
        Site::numbered(self.sites.fetch_add(1, Ordering::Relaxed))
    }

    /// The lab's id.
    pub(crate) fn id(&self) -> &str {
        &self.registration.id
    }

    /// A folder for this name, gone with the lab.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.registration.folder.join(name);
        std::fs::create_dir_all(&folder).expect("a folder of the lab");
        folder
    }

    /// The lab's own folder.
    pub(crate) fn root(&self) -> &Path {
        &self.registration.folder
    }

    /// The file that this daemon logs to.
    pub(crate) fn log(&self, daemon: &str) -> PathBuf {
        self.registration.logs.join(format!("{daemon}.log"))
    }

    /// Keeps a process, so that it ends with the lab.
    pub(crate) fn keep(&self, process: Process) -> Arc<Process> {
        let process = Arc::new(process);
        lock(&self.processes).push(Arc::clone(&process));
        process
    }

    /// Calls this when the lab is taken down.
    pub(crate) fn at_the_end(&self, job: impl FnOnce() + Send + 'static) {
        lock(&self.at_the_end).push(Box::new(job));
    }

    /// Ends whoever waits for clients of this listener when the lab is taken down.
    pub(crate) fn close_at_the_end(&self, listener: &TcpListener) {
        let ours = listener.try_clone().expect("a second handle of a socket");
        // A blocked accept returns once the socket is shut down.
        self.at_the_end(move || {
            let _ = rustix::net::shutdown(&ours, rustix::net::Shutdown::Both);
        });
    }

    /// Whether the lab is being taken down, now or within this time: the wait ends with it.
    pub(crate) fn is_over_within(&self, time: Duration) -> bool {
        let over = lock(&self.over);
        let waited = self.bell.wait_timeout_while(over, time, |over| !*over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn take_down(&self) {
        *lock(&self.over) = true;
        self.bell.notify_all();
        lock(&self.at_the_end).drain(..).for_each(|job| job());
        for process in lock(&self.processes).drain(..) {
            process.kill();
        }
        for namespace in lock(&self.namespaces).drain(..) {
            namespace.close();
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let panicking = std::thread::panicking();
        if panicking {
            self.inner.registration.show_logs();
        }
        let strays = if panicking { Vec::new() } else { self.strays() };
        self.inner.take_down();
        self.inner.registration.close(panicking || !strays.is_empty());
        assert!(strays.is_empty(), "something tried to leave the lab:\n  {}", strays.join("\n  "));
    }
}

/// Locks, also after a panic of another thread: a lab is taken down in any case.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says a line to whoever runs the tests, past the test harness's capture.
pub(crate) fn say(line: &str) {
    use std::io::Write;
    // A closed stderr must not fail a test.
    let _ = writeln!(std::io::stderr(), "{line}");
}
