//! Times and weighs a join by Moorline beside the same by the `tailscale` command, in the lab.
//!
//! ```text
//! bench-join MOORLINE TAILSCALE       the two binaries; prints a table, writes join.json
//! ```

mod contest;
mod report;
mod stopwatch;

use std::path::Path;
use std::process::ExitCode;

use contest::Contest;

/// How often each contestant runs.
const ROUNDS: u8 = 7;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [stopwatch::WORD, course] => stopwatch::run(course),
        [moorline, tailscale] => bench(Path::new(moorline), Path::new(tailscale)),
        _ => {
            say("usage: bench-join MOORLINE TAILSCALE");
            ExitCode::from(2)
        }
    }
}

fn bench(moorline: &Path, tailscale: &Path) -> ExitCode {
    let Some(mut contest) = Contest::new(moorline, tailscale) else { return ExitCode::FAILURE };
    for round in 1..=ROUNDS {
        contest.round(round);
        say(&format!("round {round} of {ROUNDS}"));
    }
    let results = contest.finish();
    match report::publish(&results) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("target/bench/join.json cannot be written: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Says a line beside the table.
fn say(line: &str) {
    use std::io::Write;
    // Nobody is left to be told that nobody listens.
    let _ = writeln!(anstream::stderr(), "{line}");
}
