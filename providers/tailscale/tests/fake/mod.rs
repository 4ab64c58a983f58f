//! A tailscaled that does what it is told: it shows what no real one can be made to show.
//!
//! It serves `/localapi/v0/` on a unix socket, keeps preferences as the real one does, plays
//! scenes when somebody logs in, and remembers every request.

mod daemon;
mod script;

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use daemon::Daemon;
pub(crate) use daemon::Request;
pub(crate) use script::{Reply, Scene, Script, health};

/// A fake tailscaled, for as long as the value lives.
pub(crate) struct FakeTailscaled {
    socket: PathBuf,
    daemon: Arc<Daemon>,
    running: Option<Running>,
    _folder: Option<TempDir>,
}

/// A thread with a runtime of its own: its end ends every connection at once, as a kill would.
struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl FakeTailscaled {
    /// Starts one on a socket of its own.
    pub(crate) fn start(script: Script) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut fake = Self::start_at(&folder.path().join("tailscaled.sock"), script);
        fake._folder = Some(folder);
        fake
    }

    /// Starts one on this socket, which must not be there yet.
    pub(crate) fn start_at(socket: &Path, script: Script) -> Self {
        let listener = UnixListener::bind(socket).expect("a socket");
        let daemon = Daemon::new(script);
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&daemon);
        let thread = thread::spawn(move || daemon::serve_until(served, listener, stopped));
        let running = Some(Running { stop, thread });
        FakeTailscaled { socket: socket.to_owned(), daemon, running, _folder: None }
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Stops it as a kill would, and takes the socket away.
    pub(crate) fn stop(&mut self) {
        if let Some(Running { stop, thread }) = self.running.take() {
            std::fs::remove_file(&self.socket).expect("its socket");
            // A thread that is gone has stopped.
            let _ = stop.send(());
            thread.join().expect("the fake does not panic");
        }
    }

    /// Every request so far, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.daemon.requests()
    }

    /// The requests that are no reads, such as `POST start`, in order. The packet filter is
    /// read by a POST.
    pub(crate) fn writes(&self) -> Vec<String> {
        let reads =
            |call: &str| call.starts_with("GET ") || call == "POST debug-packet-filter-rules";
        let calls = self.requests().into_iter().map(|request| request.call);
        calls.filter(|call| !reads(call)).collect()
    }

    /// The bodies that this call was made with, in order.
    pub(crate) fn bodies(&self, call: &str) -> Vec<Value> {
        let calls = self.requests().into_iter().filter(|request| request.call == call);
        calls.map(|request| request.body).collect()
    }

    /// Its preferences now.
    pub(crate) fn prefs(&self) -> Value {
        self.daemon.prefs()
    }
}

impl Drop for FakeTailscaled {
    fn drop(&mut self) {
        self.stop();
    }
}
