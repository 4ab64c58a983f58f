//! Errors as `--json` answers them, and watching that something stays as it is.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use serde::Deserialize;
use testenv::{Run, until};

/// How long what takes a second or two may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The error that a command with `--json` answered.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) what: String,
    pub(crate) fix: Option<String>,
}

impl Refusal {
    /// The error of a run that ended with this exit code.
    #[track_caller]
    pub(crate) fn of(run: Run, exit: i32) -> Refusal {
        Refusal::in_answer(run.ended_with(exit).stdout.as_bytes())
    }

    /// The error in an answer.
    #[track_caller]
    pub(crate) fn in_answer(answer: &[u8]) -> Refusal {
        #[derive(Deserialize)]
        struct Answer {
            error: Refusal,
        }
        let answer: Result<Answer, _> = serde_json::from_slice(answer)
            .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(answer)));
        answer.expect("an error in JSON").error
    }

    /// Checks the error's code, that its text names this, and that it says what helps.
    #[track_caller]
    pub(crate) fn is(self, code: &str, names: &str) -> Refusal {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.what.contains(names), "no {names} in {self:?}");
        assert!(self.fix.as_ref().is_some_and(|fix| !fix.is_empty()), "{self:?}");
        self
    }
}

/// Watches that something goes on being so.
///
/// # Panics
/// As soon as it is not.
pub(crate) fn stays<E: Debug>(
    what: &str,
    span: Duration,
    mut probe: impl FnMut() -> Result<(), E>,
) {
    let started = Instant::now();
    until(what, span * 2, || {
        probe().unwrap_or_else(|now| panic!("{what}, until {:?}: {now:?}", started.elapsed()));
        if started.elapsed() >= span { Ok(()) } else { Err("so far") }
    });
}
