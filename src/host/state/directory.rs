//! The state file: read, locked, replaced whole.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind as IoErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use provider_api::{Error, ErrorKind, NetworkName, Result};
use rustix::fs::FlockOperation;
use serde::Deserialize;

use super::{NetworkState, STATE_VERSION, State};
use crate::fault::{self, Point};

/// How long a command waits for another that reads or changes the state.
pub(in crate::host) const PATIENCE: Duration = Duration::from_secs(3);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The folder of the state file.
#[derive(Debug, Clone)]
pub struct StateDirectory {
    path: PathBuf,
}

/// Held while things change: no two commands interleave. Let go when dropped.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

impl StateDirectory {
    /// The folder at `path`; nothing is touched yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        StateDirectory { path: path.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the state file is.
    pub fn file(&self) -> PathBuf {
        self.path.join("state.json")
    }

    /// Takes the lock; waits for another command that may be about to end.
    ///
    /// # Errors
    /// Those of [`StateDirectory::lock`], once this is over.
    pub async fn lock_within(&self, patience: Duration) -> Result<StateLock> {
        let deadline = Instant::now() + patience;
        loop {
            match self.lock() {
                Err(error) if error.code == "state-locked" && Instant::now() < deadline => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                other => return other,
            }
        }
    }

    /// Keeps a proof with the network that it was made for. Whoever changes things meanwhile
    /// makes a newer one, or wants something else by then: then nothing is kept.
    ///
    /// # Errors
    /// Those of reading and writing the state.
    pub(in crate::host) fn keep_proof(
        &self,
        network: &NetworkName,
        seen: &NetworkState,
    ) -> Result<()> {
        let Ok(_lock) = self.lock() else { return Ok(()) };
        let mut state = self.load()?;
        match state.networks.get_mut(network).filter(|now| now.wants_the_same(seen)) {
            Some(now) => now.proof = seen.proof.clone(),
            None => return Ok(()),
        }
        self.store(&state)
    }

    /// Takes the lock, or says who should be waited for.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] where another command holds it.
    pub fn lock(&self) -> Result<StateLock> {
        self.create()?;
        let path = self.path.join("lock");
        let file = private().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|cause| self.unwritable(&path, &cause))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                self.sweep();
                Ok(StateLock { _file: file })
            }
            Err(_) => Err(Error::new(
                ErrorKind::Conflict,
                "state-locked",
                format!("another moorline command is at work: it holds {}", path.display()),
            )
            .fix(format!("wait for it to end; `fuser {}` shows its process id", path.display()))),
        }
    }

    /// Reads the state; an absent file is an empty state, and nothing else is.
    ///
    /// # Errors
    /// Names the file that cannot be read, is cut short, or is of a newer version.
    pub fn load(&self) -> Result<State> {
        let path = self.file();
        match std::fs::read_to_string(&path) {
            Ok(text) => parse(&text, &path),
            Err(cause) if cause.kind() == IoErrorKind::NotFound => Ok(State::default()),
            Err(cause) if cause.kind() == IoErrorKind::PermissionDenied => {
                Err(forbidden(&path, &cause))
            }
            Err(cause) => Err(unreadable(&path, &cause.to_string())),
        }
    }

    /// Replaces the state file whole: after a crash there is the old one or the new one.
    ///
    /// # Errors
    /// Names the file that cannot be written; the old one is still there.
    pub fn store(&self, state: &State) -> Result<()> {
        self.create()?;
        let path = self.file();
        let text = serde_json::to_string_pretty(state)
            .map_err(|cause| Error::bug(format!("the state cannot be written as JSON: {cause}")))?;
        self.replace(&path, &text).map_err(|cause| self.unwritable(&path, &cause))
    }

    fn replace(&self, path: &Path, text: &str) -> std::io::Result<()> {
        fault::point(Point::StateUnwritten);
        let new = self.unfinished();
        let replaced = write(&new, text).and_then(|()| {
            fault::point(Point::StateWritten);
            std::fs::rename(&new, path)
        });
        if replaced.is_err() {
            // On a full disk it would keep the last of the space.
            self.sweep();
        }
        replaced?;
        fault::point(Point::StateRenamed);
        File::open(&self.path)?.sync_all()
    }

    /// Where the next state is written before it takes the place of the last.
    fn unfinished(&self) -> PathBuf {
        self.path.join("state.json.new")
    }

    /// Removes what somebody who was killed, or met a full disk, did not finish.
    fn sweep(&self) {
        let new = self.unfinished();
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != IoErrorKind::NotFound => {
                tracing::warn!(path = %new.display(), %error, "an unfinished state file stays");
            }
            _ => {}
        }
    }

    fn create(&self) -> Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)
            .map_err(|cause| self.unwritable(&self.path, &cause))
    }

    fn unwritable(&self, path: &Path, cause: &std::io::Error) -> Error {
        const CODE: &str = "state-not-writable";
        let what = format!("cannot write {}: {cause}", path.display());
        if cause.kind() == IoErrorKind::PermissionDenied {
            return Error::new(ErrorKind::Denied, CODE, what).fix("run moorline as root");
        }
        Error::unavailable(CODE, what).fix(format!("df {0}; mount | grep {0}", self.path.display()))
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = private().create(true).truncate(true).write(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

fn parse(text: &str, path: &Path) -> Result<State> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let versioned: Versioned =
        serde_json::from_str(text).map_err(|cause| unreadable(path, &cause.to_string()))?;
    if versioned.version > STATE_VERSION {
        return Err(too_new(path, versioned.version));
    }
    serde_json::from_str(text).map_err(|cause| unreadable(path, &cause.to_string()))
}

fn forbidden(path: &Path, cause: &std::io::Error) -> Error {
    let what = format!("cannot read {}: {cause}", path.display());
    Error::new(ErrorKind::Denied, "state-not-readable", what).fix("run moorline as root")
}

fn unreadable(path: &Path, cause: &str) -> Error {
    let path = path.display();
    Error::new(ErrorKind::Settings, "state-unreadable", format!("cannot read {path}: {cause}")).fix(
        format!(
            "restore {path} from a backup; or `mv {path} {path}.broken` and run `moorline up` \
             again: the ledger in it is then lost, and what it lists is no longer taken back"
        ),
    )
}

fn too_new(path: &Path, version: u32) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "state-too-new",
        format!(
            "{} has version {version}, and this moorline knows versions up to {STATE_VERSION}",
            path.display()
        ),
    )
    .fix("use the moorline that wrote it, or a newer one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Proof;
    use crate::host::state::example;
    use serde_json::json;
    use std::os::unix::fs::PermissionsExt;

    fn directory() -> (tempfile::TempDir, StateDirectory) {
        let folder = tempfile::tempdir().unwrap();
        let directory = StateDirectory::new(folder.path().join("moorline"));
        (folder, directory)
    }

    #[test]
    fn an_absent_file_is_an_empty_state() {
        let (_folder, directory) = directory();
        assert_eq!(directory.load().unwrap(), State::default());
    }

    #[test]
    fn what_is_stored_is_private_and_comes_back() {
        let (_folder, directory) = directory();
        directory.store(&State::default()).unwrap();
        assert_eq!(directory.load().unwrap(), State::default());
        let mode = std::fs::metadata(directory.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_could_not_be_written_takes_no_space() {
        let (_folder, directory) = directory();
        std::fs::create_dir_all(directory.file().join("in the way")).unwrap();
        let error = directory.store(&State::default()).unwrap_err();
        assert_eq!(error.code, "state-not-writable");
        assert!(!directory.unfinished().exists());
    }

    #[test]
    fn on_a_full_disk_no_half_of_a_state_stays() {
        let (_folder, directory) = directory();
        directory.store(&State::default()).unwrap();
        // Every write to this device ends as on a full disk.
        std::os::unix::fs::symlink("/dev/full", directory.unfinished()).unwrap();
        let error = directory.store(&State::default()).unwrap_err();
        assert_eq!(error.code, "state-not-writable");
        assert!(std::fs::symlink_metadata(directory.unfinished()).is_err());
        directory.store(&State::default()).unwrap();
    }

    #[test]
    fn what_a_killed_one_left_goes_once_nobody_else_is_at_work() {
        let (_folder, directory) = directory();
        let held = directory.lock().unwrap();
        std::fs::write(directory.unfinished(), "{").unwrap();
        assert!(directory.lock().is_err());
        assert!(directory.unfinished().exists(), "it is of whoever holds the lock");
        drop(held);
        let _held = directory.lock().unwrap();
        assert!(!directory.unfinished().exists());
    }

    #[test]
    fn a_file_cut_short_is_an_error_that_names_it() {
        let (_folder, directory) = directory();
        directory.store(&State::default()).unwrap();
        std::fs::write(directory.file(), "{\"version\": 1, \"netw").unwrap();
        let error = directory.load().unwrap_err();
        assert_eq!(error.code, "state-unreadable");
        assert!(error.what.contains(&directory.file().display().to_string()));
    }

    #[test]
    fn an_empty_file_is_no_empty_state() {
        let (_folder, directory) = directory();
        directory.store(&State::default()).unwrap();
        std::fs::write(directory.file(), "").unwrap();
        assert_eq!(directory.load().unwrap_err().code, "state-unreadable");
    }

    #[test]
    fn a_proof_is_kept_with_what_it_was_made_for_and_with_nothing_else() {
        let (_folder, directory) = directory();
        let network: NetworkName = "tailscale".parse().unwrap();
        let member = example::member(provider_api::Enrolment::Ours);
        let mut state = State::default();
        state.networks.insert(network.clone(), member.clone());
        directory.store(&state).unwrap();
        let kept = || directory.load().unwrap().networks[&network].proof.clone();

        let verdict = json!({"outcome": "proven", "peers": [], "findings": []});
        let verdict = serde_json::from_value(verdict).unwrap();
        let proof = Some(Proof { at: jiff::Timestamp::UNIX_EPOCH, verdict });
        let seen = NetworkState { proof: proof.clone(), ..member };
        let other = NetworkState { cluster: "other".parse().unwrap(), ..seen.clone() };
        directory.keep_proof(&network, &other).unwrap();
        assert_eq!(kept(), None);
        let held = directory.lock().unwrap();
        directory.keep_proof(&network, &seen).unwrap();
        assert_eq!(kept(), None, "somebody else is at work");
        drop(held);
        directory.keep_proof(&network, &seen).unwrap();
        assert_eq!(kept(), proof);
    }

    #[test]
    fn a_newer_version_is_refused() {
        let (_folder, directory) = directory();
        directory.store(&State::default()).unwrap();
        std::fs::write(directory.file(), "{\"version\": 2}").unwrap();
        assert_eq!(directory.load().unwrap_err().code, "state-too-new");
    }

    #[test]
    fn a_file_of_somebody_else_is_no_broken_one() {
        let denied = std::io::Error::from(IoErrorKind::PermissionDenied);
        let error = forbidden(Path::new("/var/lib/moorline/state.json"), &denied);
        assert_eq!(
            (error.kind, error.fix.as_deref()),
            (ErrorKind::Denied, Some("run moorline as root"))
        );
    }

    #[tokio::test]
    async fn a_lock_that_is_let_go_in_time_is_waited_for() {
        let (_folder, directory) = directory();
        let held = directory.lock().unwrap();
        let refused = directory.lock_within(Duration::from_millis(120)).await;
        assert_eq!(refused.unwrap_err().code, "state-locked");
        let let_go = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(held);
        };
        let (taken, ()) = tokio::join!(directory.lock_within(PATIENCE), let_go);
        assert!(taken.is_ok());
    }

    #[test]
    fn two_commands_cannot_change_things_at_once() {
        let (_folder, directory) = directory();
        let held = directory.lock().unwrap();
        assert_eq!(directory.lock().unwrap_err().code, "state-locked");
        drop(held);
        assert!(directory.lock().is_ok());
    }
}
