//! How the process ends.

use std::io::ErrorKind::BrokenPipe;

use provider_api::{Error, ErrorKind};

use super::output::{Answer, Failure};
use super::render;

/// What people type most.
pub(super) const EXAMPLES: &str = "\
EXAMPLES
  Join, advertise this node's pods, and wait until a packet crossed to another node's:
    moorline up --vpn-auth=name=tailscale,joinKey=file:/etc/moorline/key --pod-cidr 10.42.3.0/24

  See what that would change, without changing it:
    moorline up --vpn-auth=name=tailscale,joinKey=file:/etc/moorline/key --dry-run

  How this node stands:
    moorline status

  What the control server's policy must hold:
    moorline policy print --tag tag:k8s --server headscale";

/// The exit codes, as `--help` has them.
const CODES: &str = "\
EXIT CODES
  0   done
  2   a setting, a flag or a file is wrong
  3   the key is wrong, expired, used up or missing
  4   an administrator said no, or must say yes first
  5   somebody else has what this node wants
  6   this version, kernel or server cannot do it
  7   the daemon or the control server does not answer
  8   joined, but the stage that --wait names was not reached in time
  70  a fault of Moorline itself
  130 interrupted by Ctrl-C or SIGTERM";

/// The end of a command's help: its examples and the exit codes.
pub(super) fn help(examples: &str) -> String {
    format!("{examples}\n\n{CODES}\n")
}

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Joined, but the stage that was waited for was not reached in time.
    NotReached,
    /// Ended by Ctrl-C, or by SIGTERM.
    Interrupted,
    /// An error of this kind.
    Failed(ErrorKind),
}

impl Exit {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::NotReached => 8,
            Exit::Interrupted => 130,
            Exit::Failed(kind) => kind.exit_code(),
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Prints a failure, and says how the process ends. A reader who went away is none.
pub(super) fn of(answer: Answer, json: bool) -> Exit {
    let error = match answer {
        Ok(exit) => return exit,
        Err(Failure::Output(error)) if error.kind() == BrokenPipe => return Exit::Done,
        Err(Failure::Output(error)) => {
            Error::unavailable("output", format!("cannot write the answer: {error}"))
        }
        Err(Failure::Error(error)) => error,
    };
    // Nothing is left to tell it to, where even this cannot be written.
    let _ = render::error::print(&error, json);
    Exit::Failed(error.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_documented() {
        let failed = ErrorKind::ALL.map(Exit::Failed);
        let reference = include_str!("../../docs/reference/exit-codes.md");
        for exit in [Exit::Done, Exit::NotReached, Exit::Interrupted].into_iter().chain(failed) {
            let code = exit.code();
            assert!(CODES.contains(&format!("\n  {code:<3} ")), "{exit:?} in --help");
            assert!(reference.contains(&format!("| {code} |")), "{exit:?} in the reference");
        }
    }

    #[test]
    fn a_reader_who_went_away_is_no_failure() {
        let gone = std::io::Error::from(BrokenPipe);
        assert_eq!(of(Err(Failure::Output(gone)), false), Exit::Done);
    }
}
