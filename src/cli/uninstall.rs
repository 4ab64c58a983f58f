//! `moorline uninstall`.

use std::sync::Arc;

use clap::Args;

use super::arguments::Place;
use super::exit::{self, Exit};
use super::output::{self, Answer};
use super::progress::Progress;
use super::sources::ConfigFile;
use super::{render, status};
use crate::install::{self, Machine, Purge};

/// Take back what `install` did: the service stops, and the network stays as it is
///
/// What somebody changed since is left alone. May be said again until all of it is done.
#[derive(Debug, Args)]
#[command(after_long_help = exit::help(EXAMPLES))]
pub(super) struct Arguments {
    /// Leave the network too, log out where Moorline logged in, and forget everything
    #[arg(long)]
    purge: bool,
    /// Purge also where the VPN's daemon is gone for good: what was changed there is forgotten
    #[arg(long, requires = "purge")]
    forget: bool,
    /// Show what would be taken back, without doing it
    #[arg(long)]
    dry_run: bool,
    /// Answer in JSON
    #[arg(long)]
    pub(super) json: bool,
}

const EXAMPLES: &str = "\
EXAMPLES
  Stop the service; pods go on reaching each other:
    moorline uninstall

  Leave nothing of Moorline on this machine but the program:
    moorline uninstall --purge";

pub(super) async fn run(arguments: &Arguments, place: &Place) -> Answer {
    let directories = status::directories(place)?;
    let machine = Machine::this(ConfigFile::of(place)?.path, directories.state.clone());
    let report = match arguments.how() {
        Some(how) => {
            let progress = Arc::new(Progress::start(place.verbose));
            let reporter = Arc::clone(&progress) as _;
            let report = install::purge(&machine, &directories, how, reporter).await;
            progress.finish();
            report?
        }
        None => install::uninstall(&machine, arguments.dry_run).await?,
    };
    match arguments.json {
        true => output::json(&report)?,
        false => output::text(&render::install::taken_back(&report))?,
    }
    Ok(Exit::Done)
}

impl Arguments {
    /// How far to purge; none where only the service goes.
    fn how(&self) -> Option<Purge> {
        let how = match (self.dry_run, self.forget) {
            (true, _) => Purge::Tell,
            (false, true) => Purge::Forget,
            (false, false) => Purge::TakeBack,
        };
        self.purge.then_some(how)
    }
}
