//! Which labs there are on this machine, who owns them, and how dead ones are swept.
//!
//! ```text
//!   /run/moorline-lab/lock          held while labs are made or swept
//!   /run/moorline-lab/<id>/owner    locked by the process that owns the lab, as long as it lives
//!   /run/netns/ml<id>-<name>        the lab's namespaces
//!   <temp>/moorline-lab/<name>-<id> its logs, kept for a day after a failure
//! ```

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use super::{lock, say};

/// Where labs keep what is gone with them.
const ROOT: &str = "/run/moorline-lab";
/// Where `ip netns` pins namespaces.
const NAMESPACES: &str = "/run/netns";
/// How much of a log is shown when a test fails.
const TAIL_LINES: usize = 40;
/// How long the logs of a failure are kept.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Ends the processes in a lab's namespaces, deletes the namespaces and the folder. Waits for
/// its input to end first: a pipe from the process that owns the lab.
const SWEEP: &str = r#"
cat >/dev/null
for pin in /run/netns/ml"$1"-*; do
    [ -e "$pin" ] || continue
    for pid in $(ip netns pids "${pin##*/}"); do kill -9 "$pid"; done
    ip netns del "${pin##*/}"
done 2>/dev/null
rm -rf "/run/moorline-lab/$1"
"#;

/// One lab's entry.
pub(crate) struct Registration {
    pub(crate) id: String,
    pub(crate) folder: PathBuf,
    pub(crate) logs: PathBuf,
    /// Locked until the process ends.
    _owner: File,
    /// Sweeps when this process ends in whatever way: its input is a pipe from us.
    janitor: Mutex<Option<Child>>,
}

/// Why there can be no lab here.
pub(crate) fn possible() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("needs root".to_owned());
    }
    for tool in ["ip", "nft", "setpriv", "ping"] {
        let found = std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).exists()));
        if !found {
            return Err(format!("needs the command `{tool}`"));
        }
    }
    Command::new("unshare").args(["--net", "--mount", "--uts", "true"]).output().map_or_else(
        |error| Err(format!("needs unshare: {error}")),
        |run| if run.status.success() { Ok(()) } else { Err("needs namespaces".to_owned()) },
    )
}

impl Registration {
    /// Sweeps what dead owners left, and enters a new lab.
    pub(crate) fn new(name: &str) -> Registration {
        fs::create_dir_all(ROOT).expect("the folder of all labs");
        let gate = File::create(Path::new(ROOT).join("lock")).expect("the lock of all labs");
        gate.lock().expect("the lock of all labs");
        sweep_the_dead();
        let (id, folder) = free_id();
        let owner = own(&folder);
        let all_logs = std::env::temp_dir().join("moorline-lab");
        throw_away_old(&all_logs);
        let logs = all_logs.join(format!("{}-{id}", slug(name)));
        fs::create_dir_all(&logs).expect("the folder of the lab's logs");
        let janitor = Mutex::new(Some(janitor(&id)));
        Registration { id, folder, logs, _owner: owner, janitor }
    }

    /// The full name of a namespace of this lab.
    pub(crate) fn namespace(&self, name: &str) -> String {
        format!("ml{}-{name}", self.id)
    }

    /// Shows the end of each log.
    pub(crate) fn show_logs(&self) {
        let mut logs: Vec<PathBuf> = entries(&self.logs);
        logs.sort();
        for log in logs {
            let text = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
            let lines: Vec<&str> = text.lines().collect();
            let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
            say(&format!("--- {}\n{}", log.display(), tail.join("\n")));
        }
    }

    /// Has everything swept, and waits for it. Logs stay if asked for; else they go first,
    /// since the next lab may have this one's id as soon as it is swept.
    pub(crate) fn close(&self, keep_logs: bool) {
        if !keep_logs && std::env::var_os("TESTENV_KEEP_LOGS").is_none() {
            let _ = fs::remove_dir_all(&self.logs);
        }
        if let Some(mut janitor) = lock(&self.janitor).take() {
            drop(janitor.stdin.take());
            let _ = janitor.wait();
        }
    }
}

/// Takes the lab in this folder: nobody else can lock its owner file while we live.
fn own(folder: &Path) -> File {
    let mut owner = File::create(folder.join("owner")).expect("the owner file");
    writeln!(owner, "{}", std::process::id()).expect("the owner file");
    owner.lock().expect("the owner file's lock");
    owner
}

/// A shell that sweeps the lab once its input ends. In a session of its own, so that Ctrl-C
/// reaches only the tests.
fn janitor(id: &str) -> Child {
    Command::new("setsid")
        .args(["sh", "-c", SWEEP, "janitor", id])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("setsid and sh")
}

/// Sweeps every lab whose owner lives no more.
fn sweep_the_dead() {
    for folder in entries(Path::new(ROOT)) {
        if folder.is_dir() && is_dead(&folder) {
            let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let mut janitor = janitor(&id);
            drop(janitor.stdin.take());
            let _ = janitor.wait();
        }
    }
}

/// Deletes the logs of failures that nobody looks at any more.
fn throw_away_old(logs: &Path) {
    for folder in entries(logs) {
        let changed = folder.metadata().and_then(|metadata| metadata.modified());
        if changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age > A_DAY)) {
            // Another user's logs may be another user's to delete.
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// Whether nobody holds the lab's owner file. Asked under the lock of all labs, so a lab that
/// is just being made is never seen half.
fn is_dead(folder: &Path) -> bool {
    match File::open(folder.join("owner")) {
        Ok(owner) => owner.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// An id that no lab has: this process's number and a letter.
fn free_id() -> (String, PathBuf) {
    let pid = std::process::id();
    ('a'..='z')
        .map(|letter| format!("{pid}{letter}"))
        .map(|id| (id.clone(), Path::new(ROOT).join(id)))
        .find(|(_, folder)| !pinned(folder) && fs::create_dir(folder).is_ok())
        .expect("fewer than 26 labs at once in one process")
}

/// Whether namespaces of a lab of this folder's name are still there.
fn pinned(folder: &Path) -> bool {
    let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    entries(Path::new(NAMESPACES))
        .iter()
        .any(|pin| pin.to_string_lossy().contains(&format!("/ml{id}-")))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// A name that can be a folder.
fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}
