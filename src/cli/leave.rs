//! `moorline leave`.

use std::sync::Arc;

use clap::Args;
use provider_api::Leave;

use super::arguments::Place;
use super::exit::{self, Exit};
use super::output::{self, Answer};
use super::progress::Progress;
use super::{render, status};
use crate::control::Client;
use crate::host;

/// Withdraw this node's routes, restore what was changed, and log out where Moorline logged in
///
/// Takes back what Moorline did, and no more: an administrator's own routes and settings stay,
/// and so does the traffic through them. May be said again until all of it is done.
#[derive(Debug, Args)]
#[command(after_long_help = exit::help(EXAMPLES))]
pub(super) struct Arguments {
    /// Stay enrolled, even where Moorline enrolled the node
    #[arg(long)]
    keep_enrolled: bool,
    /// Answer in JSON
    #[arg(long)]
    pub(super) json: bool,
}

const EXAMPLES: &str = "\
EXAMPLES
  Leave the cluster and the VPN:
    moorline leave

  Leave the cluster, stay in the VPN:
    moorline leave --keep-enrolled";

pub(super) async fn run(arguments: &Arguments, place: &Place) -> Answer {
    let how = if arguments.keep_enrolled { Leave::Withdraw } else { Leave::Logout };
    let directories = status::directories(place)?;
    let progress = Arc::new(Progress::start(place.verbose));
    let report = match Client::find(&directories.run).await? {
        Some(service) => service.leave(how, &*progress).await,
        None => host::leave(&directories, how, Arc::clone(&progress) as Arc<_>).await,
    };
    progress.finish();
    let report = report?;
    match arguments.json {
        true => output::json(&report)?,
        false => output::text(&render::leave::text(&report))?,
    }
    Ok(Exit::Done)
}
