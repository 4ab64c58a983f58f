//! Times how long `moorline run` takes from a fault to its repair, beside k3s's way, and weighs
//! the service while nothing happens.
//!
//! ```text
//! bench-heal MOORLINE [REPEATS]       the binary; prints a table, writes heal.json
//! ```

mod contest;
mod idle;
mod report;

use std::path::Path;
use std::process::ExitCode;

use testenv::Lab;

/// How often each fault is met, unless told otherwise.
const REPEATS: usize = 5;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (moorline, repeats) = match args.as_slice() {
        [moorline] => (moorline, Ok(REPEATS)),
        [moorline, repeats] => (moorline, repeats.parse()),
        _ => return usage(),
    };
    let (Ok(moorline), Ok(repeats)) = (Path::new(moorline).canonicalize(), repeats) else {
        return usage();
    };
    if !Lab::is_possible("bench-heal") {
        return ExitCode::FAILURE;
    }
    let idle = idle::weigh(&moorline);
    let faults = contest::run(&moorline, repeats);
    match report::publish(&faults, &idle) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("target/bench/heal.json cannot be written: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    say("usage: bench-heal MOORLINE [REPEATS]");
    ExitCode::from(2)
}

/// Says a line beside the table.
fn say(line: &str) {
    use std::io::Write;
    // Nobody is left to be told that nobody listens.
    let _ = writeln!(anstream::stderr(), "{line}");
}
