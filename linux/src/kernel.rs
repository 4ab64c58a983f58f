//! The only unsafe code of Moorline.
#![allow(unsafe_code, reason = "two calls have no safe form")]

use std::io;
use std::os::fd::OwnedFd;

use rustix::thread::{UnshareFlags, unshare_unsafe};
use tokio::io::unix::AsyncFd;

/// Moves the calling thread into a new, empty network namespace.
pub(crate) fn enter_new_network_namespace() -> rustix::io::Result<()> {
    // SAFETY: the danger of `unshare` is a file table that threads no longer share
    // (`CLONE_FILES`); this unshares the network namespace alone.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }
}

/// Lets the runtime of the calling thread watch a file.
pub(crate) fn watch(file: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: `OwnedFd` owns a valid file descriptor, and is neither replaced nor closed as
    // long as the `AsyncFd` has it.
    unsafe { AsyncFd::register(file) }.map_err(io::Error::from)
}
