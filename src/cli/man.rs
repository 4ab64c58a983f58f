//! `moorline man DIR`.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use provider_api::Error;

use super::Cli;
use super::exit::Exit;
use super::output::Answer;

/// Write the manual pages into a directory
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The directory, which must exist
    directory: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Answer {
    let directory = &arguments.directory;
    clap_mangen::generate_to(Cli::command(), directory).map_err(|error| {
        let what = format!("cannot write manual pages to {}: {error}", directory.display());
        Error::settings("man-directory", what).fix(format!("mkdir -p {}", directory.display()))
    })?;
    Ok(Exit::Done)
}
