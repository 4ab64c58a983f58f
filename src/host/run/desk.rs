//! What the running host tells, and the orders that it takes. Everybody else reads and asks
//! here; only the loop changes things.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use provider_api::{Error, Finding, Leave, Result, Step};
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::host::{LeaveReport, Reporter, Stage, StatusReport, UpReport};
use crate::settings::{Row, Settings, rows};

/// How many orders may wait, and how many events a slow listener may miss.
const ORDERS: usize = 16;
const EVENTS: usize = 256;

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

/// An order, with where the answer goes. Who gives it up lets the answer go.
#[derive(Debug)]
pub enum Order {
    /// Make these settings true, as `moorline up` does.
    Up {
        /// What is wanted from now on.
        settings: Box<Settings>,
        /// Where the steps are told.
        steps: mpsc::UnboundedSender<Step>,
        /// Where the answer goes.
        answer: oneshot::Sender<Result<UpReport>>,
    },
    /// Take everything back, as `moorline leave` does.
    Leave {
        /// How much.
        how: Leave,
        /// Where the steps are told.
        steps: mpsc::UnboundedSender<Step>,
        /// Where the answer goes.
        answer: oneshot::Sender<Result<LeaveReport>>,
    },
    /// Look at everything now, and try at once what waits to be tried again.
    Reconcile {
        /// Where the answer goes: the snapshot after it.
        answer: oneshot::Sender<Arc<Snapshot>>,
    },
}

/// The public side: cheap to clone, and good for as long as the service runs.
#[derive(Debug, Clone)]
pub struct Desk {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    settings: watch::Receiver<Arc<Vec<Row>>>,
    happenings: broadcast::Sender<Happening>,
    orders: mpsc::Sender<Order>,
}

impl Desk {
    /// How things stand.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// Every snapshot from now on.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// What is wanted, with where that was said; nothing where the service keeps what an earlier
    /// `up` wanted.
    pub fn settings(&self) -> Arc<Vec<Row>> {
        Arc::clone(&self.settings.borrow())
    }

    /// Everything that happens from now on.
    pub fn happenings(&self) -> broadcast::Receiver<Happening> {
        self.happenings.subscribe()
    }

    /// Gives an order.
    ///
    /// # Errors
    /// Where the service is about to end.
    pub async fn order(&self, order: Order) -> Result<()> {
        self.orders.send(order).await.map_err(|_| ending())
    }
}

/// What whoever waits for an answer is told when the service ends first.
pub fn ending() -> Error {
    Error::unavailable("service-ending", "the moorline service is about to end")
        .fix("say it again once it runs: systemctl status moorline")
}

/// The loop's side.
pub(crate) struct Publisher {
    snapshots: watch::Sender<Arc<Snapshot>>,
    settings: watch::Sender<Arc<Vec<Row>>>,
    happenings: broadcast::Sender<Happening>,
}

/// Both sides of a new desk, and the orders that are given there.
pub(crate) fn desk() -> (Desk, Publisher, mpsc::Receiver<Order>) {
    let first = Snapshot {
        at: Timestamp::now(),
        service: ServiceReport::starting(),
        status: None,
        findings: Vec::new(),
    };
    let (snapshots, reading) = watch::channel(Arc::new(first));
    let (settings, wanted) = watch::channel(Arc::default());
    let (happenings, _) = broadcast::channel(EVENTS);
    let (ordering, orders) = mpsc::channel(ORDERS);
    let desk = Desk {
        snapshots: reading,
        settings: wanted,
        happenings: happenings.clone(),
        orders: ordering,
    };
    (desk, Publisher { snapshots, settings, happenings }, orders)
}

impl Publisher {
    /// How the service got on so far.
    pub(super) fn service(&self) -> ServiceReport {
        self.snapshots.borrow().service.clone()
    }

    /// Publishes what is wanted from now on.
    pub(crate) fn want(&self, settings: Option<&Settings>) {
        self.settings.send_replace(Arc::new(settings.map(rows).unwrap_or_default()));
    }

    /// Publishes a snapshot, and tells what it changed.
    pub(crate) fn publish(&self, snapshot: Snapshot) -> Arc<Snapshot> {
        let after = Arc::new(snapshot);
        let before = self.snapshots.send_replace(Arc::clone(&after));
        for what in differences(&before, &after) {
            self.tell(what);
        }
        after
    }

    /// Tells of something that happened. Nobody may listen.
    pub(crate) fn tell(&self, what: What) {
        log(&what);
        drop(self.happenings.send(Happening { at: Timestamp::now(), what }));
    }

    /// One that tells the steps of calls to whoever listens.
    pub(super) fn reporter(&self) -> Arc<dyn Reporter> {
        Arc::new(Telling { happenings: self.happenings.clone(), steps: None })
    }

    /// The same, and to whoever gave the order.
    pub(super) fn reporter_to(&self, steps: mpsc::UnboundedSender<Step>) -> Arc<dyn Reporter> {
        Arc::new(Telling { happenings: self.happenings.clone(), steps: Some(steps) })
    }
}

struct Telling {
    happenings: broadcast::Sender<Happening>,
    steps: Option<mpsc::UnboundedSender<Step>>,
}

impl Reporter for Telling {
    fn step(&self, step: &Step) {
        let what = What::Step { step: step.clone() };
        drop(self.happenings.send(Happening { at: Timestamp::now(), what }));
        if let Some(steps) = &self.steps {
            drop(steps.send(step.clone()));
        }
    }
}

fn log(what: &What) {
    match what {
        What::Stage { from, to } => tracing::info!(%from, %to, "stage"),
        What::FindingCame { finding } => {
            tracing::warn!(code = finding.code, "{}", finding.what);
        }
        What::FindingWent { finding } => {
            tracing::info!(code = finding.code, "no more: {}", finding.what);
        }
        What::Mended { subject, took } => tracing::info!(subject, ?took, "mended"),
        What::PeerCame { peer } => tracing::info!(peer, "a peer appeared"),
        What::PeerWent { peer } => tracing::info!(peer, "a peer disappeared"),
        What::Step { step } => tracing::debug!(id = step.id, "{}", step.text),
        What::Missed { count } => tracing::debug!(count, "a listener is too slow"),
    }
}

/// What happened between two snapshots. Pure.
fn differences(before: &Snapshot, after: &Snapshot) -> Vec<What> {
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

    #[test]
    fn who_orders_of_a_service_that_ended_is_told() {
        let (desk, _publisher, orders) = desk();
        drop(orders);
        let (answer, _) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let refused = runtime.block_on(desk.order(Order::Reconcile { answer }));
        assert_eq!(refused.unwrap_err().code, "service-ending");
    }
}
