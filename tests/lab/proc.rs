//! Looking over the shoulder of every process of a lab.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use testenv::Lab;

/// A thread that reads the command line and the environment of every process of a lab, over
/// and over.
pub(crate) struct Watcher {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

/// What it has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The programs that it looked at.
    pub(crate) programs: BTreeSet<String>,
    /// Where the secret stood: a program, and `cmdline` or `environ`.
    pub(crate) told: BTreeSet<(String, &'static str)>,
}

impl Watcher {
    pub(crate) fn start(lab: &Lab, secret: &str) -> Watcher {
        let over = Arc::new(AtomicBool::new(false));
        let (ends, namespaces) = (Arc::clone(&over), namespaces(lab));
        let secret = secret.to_owned();
        let thread = std::thread::spawn(move || {
            let mut seen = Seen::default();
            while !ends.load(Ordering::Relaxed) {
                look(&namespaces, &secret, &mut seen);
            }
            seen
        });
        Watcher { over, thread }
    }

    pub(crate) fn finish(self) -> Seen {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("a thread that looks on")
    }
}

/// The inodes of the lab's network namespaces: its processes are those that live there.
fn namespaces(lab: &Lab) -> BTreeSet<u64> {
    let prefix = format!("ml{}-", lab.id());
    let pins = fs::read_dir("/run/netns").expect("the namespaces' pins").filter_map(Result::ok);
    let ours = pins.filter(|pin| pin.file_name().to_string_lossy().starts_with(&prefix));
    ours.filter_map(|pin| Some(fs::metadata(pin.path()).ok()?.ino())).collect()
}

/// Processes come and go: one that cannot be read is gone.
fn look(namespaces: &BTreeSet<u64>, secret: &str, seen: &mut Seen) {
    let processes = fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    for process in processes {
        let path = process.path();
        let home = fs::metadata(path.join("ns/net")).map(|namespace| namespace.ino());
        if home.is_ok_and(|home| namespaces.contains(&home)) {
            look_at(&path, secret, seen);
        }
    }
}

/// The program is read first: until a child becomes another program, it has all of its parent.
fn look_at(path: &Path, secret: &str, seen: &mut Seen) {
    let Ok(program) = fs::read_link(path.join("exe")) else { return };
    let program = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for part in ["cmdline", "environ"] {
        let text = fs::read(path.join(part)).unwrap_or_default();
        if String::from_utf8_lossy(&text).contains(secret) {
            seen.told.insert((program.clone(), part));
        }
    }
    seen.programs.insert(program);
}
