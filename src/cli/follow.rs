//! `moorline status --watch` and `--events`: what the service tells, as it tells it.

use std::time::Duration;

use jiff::Timestamp;
use provider_api::Error;

use super::exit::Exit;
use super::output::{self, Answer};
use super::render;
use super::signals::interruption;
use crate::control::Client;
use crate::host::ending;

/// How often a page is drawn again of which nothing but the ages change.
const REDRAW: Duration = Duration::from_secs(1);

/// How the node stands, again each time that it changes: a page that is redrawn on a terminal,
/// else lines.
pub(super) async fn watch(service: Option<Client>, json: bool) -> Answer {
    let mut snapshots = service.ok_or_else(absent)?.watch().await?;
    let screen = !json && output::is_screen();
    let mut seen = snapshots.next().await?.ok_or_else(ending)?;
    let mut last = None;
    loop {
        match (json, screen) {
            (true, _) => output::json_line(&seen)?,
            (false, true) => output::screen(&render::watch::page(&seen, Timestamp::now()))?,
            (false, false) => told_once(render::watch::line(&seen), &mut last, seen.at)?,
        }
        seen = loop {
            tokio::select! {
                next = snapshots.next() => break next?.ok_or_else(ending)?,
                () = tokio::time::sleep(REDRAW), if screen => output::screen(&render::watch::page(&seen, Timestamp::now()))?,
                () = interruption() => return Ok(Exit::Interrupted),
            }
        };
    }
}

/// Everything that happens from now on.
pub(super) async fn events(service: Option<Client>, json: bool) -> Answer {
    let mut happenings = service.ok_or_else(absent)?.events().await?;
    loop {
        let happening = tokio::select! {
            next = happenings.next() => next?.ok_or_else(ending)?,
            () = interruption() => return Ok(Exit::Interrupted),
        };
        match json {
            true => output::json_line(&happening)?,
            false => {
                let line = render::events::line(&happening).map(|line| format!("{line}\n"));
                output::text(&line.unwrap_or_default())?;
            }
        }
    }
}

/// What needs the service, and finds none.
pub(super) fn absent() -> Error {
    Error::unavailable("no-service", "the moorline service does not run on this node")
        .fix("systemctl start moorline; where it was never installed: moorline install")
}

fn told_once(
    line: String,
    last: &mut Option<String>,
    at: Timestamp,
) -> Result<(), output::Failure> {
    if last.as_ref() != Some(&line) {
        output::text(&format!("{} {line}\n", render::time::stamp(at)))?;
        *last = Some(line);
    }
    Ok(())
}
