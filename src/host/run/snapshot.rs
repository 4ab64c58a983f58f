//! How the service and its node stand, and what happened between two looks.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use provider_api::{Finding, Step};
use serde::{Deserialize, Serialize};

use crate::host::{Stage, StatusReport};

/// How the service and its node stand, after a pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When the pass ended.
    pub at: Timestamp,
    /// How the service itself gets on.
    pub service: ServiceReport,
    /// How the node stands; none where it has joined no network yet.
    pub status: Option<StatusReport>,
    /// What is wrong where there is no status to tell it in.
    pub findings: Vec<Finding>,
}

/// How the service itself gets on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceReport {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it started.
    pub started: Timestamp,
    /// How many passes there were.
    pub passes: u64,
    /// How many things that a pass tried failed.
    pub errors: u64,
    /// How long the last pass took.
    pub last_pass: Duration,
    /// How long all passes took together.
    pub all_passes: Duration,
    /// How often each subject was mended.
    pub repairs: BTreeMap<String, u64>,
    /// Whether other nodes are being asked at this moment, or wait to be.
    pub asking: bool,
}

impl ServiceReport {
    /// Of a service that starts now.
    pub(super) fn starting() -> Self {
        ServiceReport {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started: Timestamp::now(),
            passes: 0,
            errors: 0,
            last_pass: Duration::ZERO,
            all_passes: Duration::ZERO,
            repairs: BTreeMap::new(),
            asking: false,
        }
    }
}

/// Something that happened, with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Happening {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum What {
    /// The node came further, or fell back.
    Stage {
        /// The stage before.
        from: Stage,
        /// The stage now.
        to: Stage,
    },
    /// Something is wrong now that was not.
    FindingCame {
        /// What.
        finding: Finding,
    },
    /// Something is wrong no more.
    FindingWent {
        /// What.
        finding: Finding,
    },
    /// Something was not as desired, and is again.
    Mended {
        /// What, as people would look for it.
        subject: String,
        /// How long it took from the moment that it was noticed.
        took: Duration,
    },
    /// A peer appeared.
    PeerCame {
        /// Its name.
        peer: String,
    },
    /// A peer disappeared.
    PeerWent {
        /// Its name.
        peer: String,
    },
    /// A call gets on.
    Step {
        /// How far.
        step: Step,
    },
    /// A listener was too slow, and was not told everything.
    Missed {
        /// How many happenings it was not told.
        count: u64,
    },
}

/// What happened between two snapshots. Pure.
pub(super) fn differences(before: &Snapshot, after: &Snapshot) -> Vec<What> {
    let mut all = Vec::new();
    let stage = |snapshot: &Snapshot| snapshot.status.as_ref().map_or(Stage::Apart, |it| it.stage);
    let (from, to) = (stage(before), stage(after));
    if from != to {
        all.push(What::Stage { from, to });
    }
    let (old, new) = (before.all_findings(), after.all_findings());
    let came = new.iter().filter(|finding| !old.contains(finding));
    all.extend(came.map(|finding| What::FindingCame { finding: (*finding).clone() }));
    let went = old.iter().filter(|finding| !new.contains(finding));
    all.extend(went.map(|finding| What::FindingWent { finding: (*finding).clone() }));
    let (old, new) = (before.peers(), after.peers());
    let came = new.iter().filter(|(id, _)| !old.contains_key(*id));
    all.extend(came.map(|(_, name)| What::PeerCame { peer: (*name).to_owned() }));
    let went = old.iter().filter(|(id, _)| !new.contains_key(*id));
    all.extend(went.map(|(_, name)| What::PeerWent { peer: (*name).to_owned() }));
    all
}

impl Snapshot {
    /// Everything that is wrong.
    pub fn all_findings(&self) -> Vec<&Finding> {
        let of_status = self.status.iter().flat_map(|status| &status.findings);
        of_status.chain(&self.findings).collect()
    }

    fn peers(&self) -> BTreeMap<&str, &str> {
        let peers = self.status.iter().flat_map(|status| &status.peers);
        peers.map(|peer| (peer.peer.id.as_str(), peer.peer.name.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provider_api::Severity;

    fn snapshot(codes: &[&str]) -> Snapshot {
        let finding = |code: &&str| Finding::new(Severity::Error, *code, *code, "it matters");
        Snapshot {
            at: Timestamp::UNIX_EPOCH,
            service: ServiceReport::starting(),
            status: None,
            findings: codes.iter().map(finding).collect(),
        }
    }

    #[test]
    fn a_finding_is_told_when_it_comes_and_when_it_goes() {
        let told = differences(&snapshot(&["old", "both"]), &snapshot(&["both", "new"]));
        let [What::FindingCame { finding: came }, What::FindingWent { finding: went }] =
            told.as_slice()
        else {
            panic!("{told:?}");
        };
        assert_eq!((came.code.as_str(), went.code.as_str()), ("new", "old"));
    }
}
