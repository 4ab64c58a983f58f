//! How the process ends.

use provider_api::ErrorKind;

/// The exit codes, as `--help` has them.
const CODES: &str = "\
EXIT CODES
  0   done
  1   doctor found what keeps traffic from flowing, or soon will
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
    /// An examination found an error.
    Found,
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
            Exit::Found => 1,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_documented() {
        let failed = ErrorKind::ALL.map(Exit::Failed);
        let reference = include_str!("../../docs/reference/exit-codes.md");
        for exit in
            [Exit::Done, Exit::Found, Exit::NotReached, Exit::Interrupted].into_iter().chain(failed)
        {
            let code = exit.code();
            assert!(CODES.contains(&format!("\n  {code:<3} ")), "{exit:?} in --help");
            assert!(reference.contains(&format!("| {code} |")), "{exit:?} in the reference");
        }
    }
}
