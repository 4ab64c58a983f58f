//! `moorline completions SHELL`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::exit::Exit;
use super::output::{self, Answer};

/// Print the completions of a shell
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "moorline", &mut script);
    output::text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
