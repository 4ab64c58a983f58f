//! What `up` came to.

use super::{BOLD, RED, findings, plain, plan, styled, time};
use crate::host::{Stage, UpReport};
use crate::proof::{Between, Outcome, Verdict};

/// The changes, the stage, and what is wrong.
pub(in crate::cli) fn text(report: &UpReport) -> String {
    format!(
        "{}{}{}",
        plan::text(&report.changes, "nothing to change"),
        findings::text(&report.status.findings),
        verdict(report)
    )
}

/// The last line: how far the node has come, and how far it should have.
fn verdict(report: &UpReport) -> String {
    let took = time::span(report.took);
    let name = report.status.membership.as_ref().map_or("this node", |member| &member.name);
    let name = plain(name);
    let stage = styled(BOLD, report.status.stage.word());
    let (stage, cluster) = (format!("{name} is {stage}"), &report.status.cluster);
    match report.wanted {
        Some(wanted) if !report.reached() => {
            format!("{}: {stage}, not {wanted}, after {took}\n", styled(RED, "error"))
        }
        _ => format!("{stage} in cluster {cluster}{} ({took})\n", because(report)),
    }
}

/// What proven means here: whose pods answered, or why nobody had to.
fn because(report: &UpReport) -> String {
    let verdict = report.status.proof.as_ref().map(|proof| &proof.verdict);
    match verdict {
        Some(verdict) if report.status.stage == Stage::Proven => match verdict.outcome {
            Outcome::Proven => match verdict.between {
                Between::Pods => format!(": packets cross to the pods of {}", answered(verdict)),
                Between::Nodes => {
                    format!(": packets cross between this node and {}", answered(verdict))
                }
            },
            Outcome::Alone => ": there is no other node to prove with yet".to_owned(),
            Outcome::Unproven | Outcome::Unknown => String::new(),
        },
        Some(_) | None => String::new(),
    }
}

fn answered(verdict: &Verdict) -> String {
    let crossed = |peer: &&crate::proof::PeerVerdict| peer.crossings.iter().any(|one| one.crossed);
    let names: Vec<_> =
        verdict.peers.iter().filter(crossed).map(|peer| plain(&peer.name)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
