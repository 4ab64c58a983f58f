//! `moorline reconcile`.

use clap::Args;
use provider_api::Error;

use super::arguments::Place;
use super::exit;
use super::output::Answer;
use super::{follow, status};
use crate::control::Client;

/// Have the service look at everything now, and try at once what waits to be tried again
///
/// The service does so by itself when something changes; after a failure it waits ever longer.
#[derive(Debug, Args)]
#[command(after_long_help = exit::help(EXAMPLES))]
pub(super) struct Arguments {
    /// Answer in JSON
    #[arg(long)]
    pub(super) json: bool,
}

const EXAMPLES: &str = "\
EXAMPLES
  After mending what a finding names:
    moorline reconcile";

pub(super) async fn run(arguments: &Arguments, place: &Place) -> Answer {
    let service = Client::find(&status::directories(place)?.run).await?;
    let snapshot = service.ok_or_else(follow::absent)?.reconcile().await?;
    match &snapshot.status {
        Some(report) => status::tell(arguments.json, report, Some(&snapshot)),
        None => Err(nothing(&snapshot.findings).into()),
    }
}

/// Why there is nothing to tell.
fn nothing(findings: &[provider_api::Finding]) -> Error {
    let Some(worst) = findings.iter().max_by_key(|finding| finding.severity) else {
        return Error::settings("no-network", "this node has joined no network")
            .fix("moorline up --vpn-auth=\"name=tailscale,joinKey=file:/etc/moorline/key\"");
    };
    let error = Error::unavailable(worst.code.clone(), worst.what.clone());
    Error { fix: worst.fix.clone(), ..error }
}
