//! What the running host tells, and the orders that it takes. Everybody else reads and asks
//! here; only the loop changes things.

use std::sync::Arc;

use jiff::Timestamp;
use provider_api::{Error, Leave, Result, Step};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::snapshot::{Happening, ServiceReport, Snapshot, What, differences};
use crate::host::{LeaveReport, Reporter, UpReport};
use crate::settings::{Row, Settings, rows};

/// How many orders may wait, and how many events a slow listener may miss.
const ORDERS: usize = 16;
const EVENTS: usize = 256;

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

#[cfg(test)]
mod tests {
    use super::*;

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
