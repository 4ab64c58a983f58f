//! The fake provider as a plugin: an executable, and the world that it finds beside itself.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use provider_api::Provider;

use super::{FakeProvider, FakeWorld, Flaw, FlawedProvider};

const WORLD: &str = "world.json";
const FLAW: &str = "flaw.json";
const PID: &str = "pid";

/// A folder of plugins that holds the fake one, and its world.
#[derive(Debug)]
pub struct FakePlugin {
    folder: tempfile::TempDir,
}

impl FakePlugin {
    /// Puts the program `fake-plugin` into a folder of its own, as `moorline-fake`.
    ///
    /// # Panics
    /// Where the program was not built.
    pub fn install(program: &Path, flaw: Option<Flaw>) -> FakePlugin {
        assert!(program.exists(), "cargo build -p testenv --bin fake-plugin");
        let folder = tempfile::Builder::new().prefix("fake-plugin-").tempdir().expect("a folder");
        let plugin = FakePlugin { folder };
        symlink(program, plugin.executable()).expect("a link to the plugin");
        let flaw = serde_json::to_vec(&flaw).expect("a flaw");
        std::fs::write(plugin.folder().join(FLAW), flaw).expect("the plugin's flaw");
        plugin
    }

    /// The folder of plugins.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The plugin itself.
    pub fn executable(&self) -> PathBuf {
        self.folder().join("moorline-fake")
    }

    /// What its network lives in, to be scripted from here.
    pub fn world(&self) -> FakeWorld {
        FakeWorld::kept_in(&self.folder().join(WORLD))
    }

    /// Kills its latest process, as `kill -9` does.
    pub fn kill(&self) {
        let pid = std::fs::read_to_string(self.folder().join(PID)).expect("a plugin that ran");
        let pid = Pid::from_raw(pid.parse().expect("a process id"));
        kill(pid, Signal::SIGKILL).expect("killing a plugin");
    }

    /// What the plugin that was started as `executable` serves.
    pub fn provider_beside(executable: &Path) -> Box<dyn Provider> {
        let folder = executable.parent().expect("a plugin is in a folder");
        std::fs::write(folder.join(PID), std::process::id().to_string()).expect("a note");
        let whole = FakeProvider::new(FakeWorld::kept_in(&folder.join(WORLD)));
        let flaw = std::fs::read(folder.join(FLAW)).expect("the file that names the flaw");
        match serde_json::from_slice::<Option<Flaw>>(&flaw).expect("a flaw") {
            Some(flaw) => Box::new(FlawedProvider::new(whole, flaw)),
            None => Box::new(whole),
        }
    }
}
