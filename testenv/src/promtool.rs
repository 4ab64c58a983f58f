//! Debian's promtool, as a judge of what Prometheus is to read.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::lab::say;

/// What promtool, run with these words, has to say: nothing where all is well, else all of it.
/// None, and a line that says so, where this machine has no promtool.
///
/// # Panics
/// With `TESTENV_STRICT=1`, where there is none.
pub fn promtool(test: &str, words: &[&str], input: &str) -> Option<Result<String, String>> {
    let mut command = Command::new("promtool");
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        let reason = "promtool is missing: apt-get install prometheus";
        let strict = std::env::var_os("TESTENV_STRICT").is_some_and(|strict| strict == "1");
        assert!(!strict, "{test}: {reason}");
        say(&format!("{test}: skipped: {reason}"));
        return None;
    };
    // It may end before it has read everything.
    drop(child.stdin.take().map(|mut pipe| pipe.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("promtool ends");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Some(if output.status.success() { Ok(said) } else { Err(said) })
}
