//! `moorline status`.

use clap::Args;
use jiff::Timestamp;

use super::arguments::Place;
use super::exit::{self, Exit};
use super::output::{self, Answer};
use super::{render, sources};
use crate::host::{self, Directories, Patience};
use crate::settings::{self, Layer};

/// How this node stands: its stage, its routes, the other nodes, and what is wrong
#[derive(Debug, Args)]
#[command(after_long_help = exit::help(EXAMPLES))]
pub(super) struct Arguments {
    /// Answer in JSON
    #[arg(long)]
    pub(super) json: bool,

    /// Ask the other nodes now, also where packets crossed within the last ten seconds
    #[arg(long)]
    pub(super) prove: bool,
}

const EXAMPLES: &str = "\
EXAMPLES
  For people:
    moorline status

  After a change, to see what it did to the packets:
    moorline status --prove

  For scripts:
    moorline status --json | jq -r .stage";

pub(super) async fn run(arguments: &Arguments, place: &Place) -> Answer {
    let patience = if arguments.prove { Patience::Prove } else { Patience::Remember };
    let report = host::status(&directories(place)?, patience).await?;
    match arguments.json {
        true => output::json(&report)?,
        false => output::text(&render::status::text(&report, Timestamp::now()))?,
    }
    Ok(Exit::Done)
}

/// Where state lies, for the commands that need no other setting.
pub(super) fn directories(place: &Place) -> provider_api::Result<Directories> {
    let sources = sources::gather(place, Layer::default())?;
    let (state, run) = settings::directories(&sources)?;
    Ok(Directories { state, run })
}
