//! How a node stands, while it is watched.

use jiff::Timestamp;

use super::{findings, plain, status};
use crate::host::{Kinship, Snapshot, StatusReport};
use crate::proof::PeerVerdict;

/// The page, for a terminal.
pub(in crate::cli) fn page(seen: &Snapshot, now: Timestamp) -> String {
    match &seen.status {
        Some(report) => status::text(report, Some(seen), now),
        None if seen.findings.is_empty() => "this node has joined no network\n".to_owned(),
        None => findings::text(&seen.findings),
    }
}

/// The page in place of the one before: no line wraps, and what does not fit below is counted.
pub(in crate::cli) fn frame(page: &str, rows: usize) -> String {
    let lines: Vec<&str> = page.lines().collect();
    let room = rows.saturating_sub(1).max(1);
    let fits = lines.len() <= room;
    let shown = if fits { lines.len() } else { room - 1 };
    let mut frame = format!("{HOME}{NO_WRAP}");
    for line in &lines[..shown] {
        frame.push_str(&format!("{line}{REST_OF_LINE}\n"));
    }
    if !fits {
        frame.push_str(&format!("... {} more lines{REST_OF_LINE}\n", lines.len() - shown));
    }
    frame + REST_OF_SCREEN + WRAP
}

const HOME: &str = "\x1b[H";
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";
const REST_OF_LINE: &str = "\x1b[K";
const REST_OF_SCREEN: &str = "\x1b[J";

/// The same in a line, for a pipe.
pub(in crate::cli) fn line(seen: &Snapshot) -> String {
    let found = seen.all_findings();
    let codes: Vec<String> = found.iter().map(|finding| plain(&finding.code)).collect();
    let codes = if codes.is_empty() { "none".to_owned() } else { codes.join(" ") };
    match &seen.status {
        Some(report) => format!("{}; {}; findings: {codes}", report.stage, peers(report)),
        None => format!("in no network; findings: {codes}"),
    }
}

fn peers(report: &StatusReport) -> String {
    let of_cluster = |kinship| matches!(kinship, Kinship::Node | Kinship::Unknown);
    let peers = report.peers.iter().filter(|peer| of_cluster(peer.kinship)).count();
    let crossed = |peer: &&PeerVerdict| peer.crossings.iter().any(|one| one.crossed);
    let verdicts = report.proof.iter().flat_map(|proof| &proof.verdict.peers);
    format!("{} of {peers} peers answer", verdicts.filter(crossed).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;
    use anstream::adapter::strip_str;

    #[test]
    fn a_line_says_what_matters() {
        let seen = example::snapshot(Some(example::report()));
        assert_eq!(line(&seen), "proven; 1 of 2 peers answer; findings: auto-update");
        assert_eq!(line(&example::snapshot(None)), "in no network; findings: none");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let page = "1\n2\n3\n4\n";
        assert_eq!(strip_str(&frame(page, 5)).to_string(), page);
        assert_eq!(strip_str(&frame(page, 4)).to_string(), "1\n2\n... 2 more lines\n");
        assert_eq!(strip_str(&frame(page, 1)).to_string(), "... 4 more lines\n");
    }

    #[test]
    fn a_frame_ends_as_it_began() {
        let frame = frame(&page(&example::snapshot(None), Timestamp::UNIX_EPOCH), 24);
        assert_eq!(frame.matches(NO_WRAP).count(), frame.matches(WRAP).count());
        assert!(!frame.contains("\x1b[2J"), "clearing first flickers");
    }
}
