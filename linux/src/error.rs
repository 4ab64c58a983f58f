//! One error for the crate: what could not be done, to what, and why.

use std::io;

/// What every call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Something that could not be done. Each message reads `cannot WHAT: WHY`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused.
    #[error("cannot {what}: {cause}")]
    Kernel {
        /// The operation with its subject, such as `add address 10.42.1.1/24 to moorline0`.
        what: String,
        /// What the kernel answered.
        cause: io::Error,
    },
    /// What is there is not what the operation needs, and is somebody else's.
    #[error("cannot {what}: {why}")]
    InTheWay {
        /// The operation with its subject.
        what: String,
        /// What stands in the way.
        why: String,
    },
    /// A program is not installed.
    #[error("cannot {what}: `{program}` is not installed (Debian package `{package}`)")]
    MissingProgram {
        /// The operation with its subject.
        what: String,
        /// The program's name.
        program: &'static str,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// A program ended with an error, or did not end.
    #[error("cannot {what}: `{program}`: {said}")]
    Program {
        /// The operation with its subject.
        what: String,
        /// The program's name.
        program: &'static str,
        /// What it wrote to its standard error.
        said: String,
    },
}

impl Error {
    /// Whether the caller lacks a permission, such as `CAP_NET_ADMIN`.
    pub fn is_permission(&self) -> bool {
        matches!(self, Error::Kernel { cause, .. }
            if cause.kind() == io::ErrorKind::PermissionDenied)
    }

    /// Whether a program is missing on this machine.
    pub fn is_missing_program(&self) -> bool {
        matches!(self, Error::MissingProgram { .. })
    }
}

/// Names the operation that failed.
pub(crate) trait Cannot<T> {
    /// The same result; an error says `cannot WHAT`.
    fn cannot(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: IntoIo> Cannot<T> for std::result::Result<T, E> {
    fn cannot(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|cause| Error::Kernel { what: what(), cause: cause.into_io() })
    }
}

/// Errors that carry what the kernel answered.
pub(crate) trait IntoIo {
    /// The kernel's answer.
    fn into_io(self) -> io::Error;
}

impl IntoIo for io::Error {
    fn into_io(self) -> io::Error {
        self
    }
}

impl IntoIo for rustix::io::Errno {
    fn into_io(self) -> io::Error {
        self.into()
    }
}

impl IntoIo for rtnetlink::Error {
    fn into_io(self) -> io::Error {
        if let rtnetlink::Error::NetlinkError(message) = self {
            message.to_io()
        } else {
            io::Error::other(self)
        }
    }
}
