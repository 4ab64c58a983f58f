//! The `moorline` command.

use std::process::ExitCode;

use moorline::cli;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()) {
        Ok(cli) => cli::run(&cli).into(),
        Err(code) => code,
    }
}
