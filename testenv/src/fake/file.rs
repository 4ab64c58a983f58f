//! A world on disk: what a daemon is to a plugin that dies and comes back.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A file that holds a world, for several processes at once.
pub(super) struct WorldFile(PathBuf);

/// The file, while no other process may look.
pub(super) struct Locked(File);

impl WorldFile {
    /// The file, made if it is not there yet; never made again, lest a process that ends late
    /// bring back what is over.
    pub(super) fn new(path: &Path) -> WorldFile {
        File::options().append(true).create(true).open(path).expect("the file of a world");
        WorldFile(path.to_owned())
    }

    /// Waits until nobody else has it, and reads it; what is not there leaves `state` as it is.
    pub(super) fn lock<T: DeserializeOwned>(&self, state: &mut T) -> Locked {
        let mut file = self.open();
        file.lock().expect("the lock of a world");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("a world that can be read");
        if !text.is_empty() {
            *state = serde_json::from_str(&text).expect("a world");
        }
        Locked(file)
    }

    /// Calls `changed` after each change by any process, until it answers false.
    pub(super) fn watch(&self, changed: impl Fn() -> bool + Send + 'static) {
        let watch = inotify::init(CreateFlags::CLOEXEC).expect("inotify");
        inotify::add_watch(&watch, &self.0, WatchFlags::MODIFY).expect("a watch of a world");
        thread::spawn(move || {
            let mut buffer = [MaybeUninit::uninit(); 4096];
            let mut changes = Reader::new(watch, &mut buffer);
            while changes.next().is_ok() && changed() {}
        });
    }

    fn open(&self) -> File {
        File::options().read(true).write(true).open(&self.0).expect("the file of a world")
    }
}

impl Locked {
    pub(super) fn write<T: Serialize>(&mut self, state: &T) {
        let text = serde_json::to_vec(state).expect("a world that can be written");
        self.0.set_len(0).expect("a world that can be cut");
        self.0.rewind().expect("a file");
        self.0.write_all(&text).expect("a world that can be written");
    }
}
