//! `moorline status`.

use clap::Args;
use jiff::Timestamp;

use super::arguments::Place;
use super::exit::Exit;
use super::output::{self, Answer};
use super::{render, sources};
use crate::host::{self, Directories};
use crate::settings::{self, Layer};

/// How this node stands: its stage, its routes, the other nodes, and what is wrong
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Answer in JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) async fn run(arguments: &Arguments, place: &Place) -> Answer {
    let report = host::status(&directories(place)?).await?;
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
