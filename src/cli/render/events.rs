//! What happens, one line each.

use provider_api::StepState;

use super::{GREEN, RED, YELLOW, plain, styled, time};
use crate::host::{Happening, What};

/// The line; none for a step that only began.
pub(in crate::cli) fn line(happening: &Happening) -> Option<String> {
    let told = match &happening.what {
        What::Stage { from, to } => format!("{}: {from} -> {to}", styled(GREEN, "stage")),
        What::FindingCame { finding } => {
            format!("{}[{}]: {}", styled(RED, "came"), plain(&finding.code), plain(&finding.what))
        }
        What::FindingWent { finding } => {
            format!("{}[{}]: {}", styled(GREEN, "went"), plain(&finding.code), plain(&finding.what))
        }
        What::Mended { subject, took } => {
            format!("{}: {} ({})", styled(GREEN, "mended"), plain(subject), time::span(*took))
        }
        What::PeerCame { peer } => format!("peer came: {}", plain(peer)),
        What::PeerWent { peer } => format!("peer went: {}", plain(peer)),
        What::Missed { count } => {
            format!("{}: {count} events, told too fast", styled(YELLOW, "missed"))
        }
        What::Step { step } => match &step.state {
            StepState::Done => format!("ok: {}", plain(&step.text)),
            StepState::Pending { reason, url } => {
                let url = url.as_ref().map(|url| format!(": {}", plain(url))).unwrap_or_default();
                format!("{}: {}{url}", styled(YELLOW, "waiting"), plain(reason))
            }
            StepState::Running | StepState::Waiting { .. } => return None,
        },
    };
    Some(format!("{} {}", time::stamp(happening.at), told.replace('\n', " ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Stage;
    use anstream::adapter::strip_str;
    use jiff::Timestamp;
    use provider_api::{Finding, Severity, Step};
    use std::time::Duration;

    fn told(what: What) -> Option<String> {
        let line = line(&Happening { at: Timestamp::UNIX_EPOCH, what })?;
        Some(strip_str(&line).to_string())
    }

    #[test]
    fn everything_is_a_line() {
        let finding = Finding::new(Severity::Error, "x", "it is\nlost", "");
        let mended =
            What::Mended { subject: "the pod bridge".into(), took: Duration::from_millis(31) };
        for (what, line) in [
            (What::Stage { from: Stage::Joined, to: Stage::Proven }, "stage: joined -> proven"),
            (What::FindingCame { finding: finding.clone() }, "came[x]: it is lost"),
            (What::FindingWent { finding }, "went[x]: it is lost"),
            (mended, "mended: the pod bridge (31 ms)"),
            (What::PeerCame { peer: "node\x1b[2J".into() }, "peer came: node\u{fffd}[2J"),
            (What::Missed { count: 3 }, "missed: 3 events, told too fast"),
            (What::Step { step: Step::done("pods", "made it") }, "ok: made it"),
        ] {
            assert_eq!(told(what).unwrap(), format!("1970-01-01T00:00:00Z {line}"));
        }
        assert_eq!(told(What::Step { step: Step::begin("pods", "making it") }), None);
    }
}
