//! `moorline status`.

use clap::Args;
use jiff::Timestamp;

use super::arguments::Place;
use super::exit::{self, Exit};
use super::output::{self, Answer};
use super::{follow, render, sources};
use crate::control::Client;
use crate::host::{self, Directories, Patience, Snapshot, StatusReport};
use crate::settings::{self, Layer};

/// How this node stands: its stage, its routes, the other nodes, and what is wrong
///
/// Where the service runs, it is what the service saw last.
#[derive(Debug, Args)]
#[command(after_long_help = exit::help(EXAMPLES))]
pub(super) struct Arguments {
    /// Answer in JSON; while watching or following, one line of it at a time
    #[arg(long)]
    pub(super) json: bool,

    /// Ask the other nodes now, also where packets crossed within the last ten seconds
    #[arg(long)]
    pub(super) prove: bool,

    /// Show it again each time that it changes; needs the service
    #[arg(long, conflicts_with = "prove")]
    watch: bool,

    /// Tell everything that happens from now on; needs the service
    #[arg(long, conflicts_with_all = ["prove", "watch"])]
    events: bool,
}

const EXAMPLES: &str = "\
EXAMPLES
  For people:
    moorline status

  After a change, to see what it did to the packets:
    moorline status --prove

  While changing something:
    moorline status --watch

  What happens, as it happens:
    moorline status --events

  For scripts:
    moorline status --json | jq -r .stage";

pub(super) async fn run(arguments: &Arguments, place: &Place) -> Answer {
    let directories = directories(place)?;
    let service = Client::find(&directories.run).await?;
    match (arguments.watch, arguments.events) {
        (true, _) => return follow::watch(service, arguments.json).await,
        (_, true) => return follow::events(service, arguments.json).await,
        (false, false) => {}
    }
    let seen = match (service, arguments.prove) {
        (None, _) => None,
        (Some(service), true) => Some(service.reconcile().await?),
        (Some(service), false) => Some(service.status().await?),
    };
    if let Some(Snapshot { status: Some(report), .. }) = &seen {
        return tell(arguments.json, report, seen.as_ref());
    }
    // A service that has nothing to tell yet is no reason not to look.
    let patience = if arguments.prove { Patience::Prove } else { Patience::Remember };
    tell(arguments.json, &host::status(&directories, patience).await?, None)
}

/// Writes how the node stands, as the service saw it or as it was seen now.
pub(super) fn tell(json: bool, report: &StatusReport, seen: Option<&Snapshot>) -> Answer {
    match json {
        true => output::json(report)?,
        false => output::text(&render::status::text(report, seen, Timestamp::now()))?,
    }
    Ok(Exit::Done)
}

/// Where state lies, for the commands that need no other setting.
pub(super) fn directories(place: &Place) -> provider_api::Result<Directories> {
    let sources = sources::gather(place, Layer::default())?;
    let (state, run) = settings::directories(&sources)?;
    Ok(Directories { state, run })
}
