//! `moorline run`: keeps the desired state true, and tells how things stand.
//!
//! ```text
//!   wakes ──▶ look ──▶ policy ──▶ act ──▶ look ──▶ snapshot ──▶ desk ◀── control, metrics, files
//!     ▲                attempts                     │
//!     └────────────── probe ◀──────────────────────┘
//! ```
//!
//! One loop changes things, and nobody else. What it does in between can be dropped at any
//! point: an order, or the end, does not wait for it.

mod attempts;
mod desk;
mod look;
mod member;
mod part;
mod policy;
mod restart;
mod said;
mod snapshot;
mod subject;
mod wakes;
mod watching;

use std::future::Future;
use std::pin::pin;

use provider_api::{Finding, Leave, Result, Severity, Step};
use tokio::sync::mpsc::{self, UnboundedSender};

use crate::host::{Directories, LeaveReport, StateDirectory, StateLock, UpReport, leave, up};
use crate::settings::Settings;
pub(crate) use desk::Publisher;
#[cfg(test)]
pub(crate) use desk::desk;
pub use desk::{Desk, Order, ending};
use member::Member;
pub use snapshot::{Happening, ServiceReport, Snapshot, What};

/// A service that is about to run.
pub struct Service {
    wishes: Wishes,
    lock: StateLock,
    desk: Publisher,
    orders: mpsc::Receiver<Order>,
}

/// What the service was told when it started.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// What is wanted; none goes on with what the last `up` wanted.
    pub settings: Option<Settings>,
    /// Whether the same settings are there again when the service starts anew.
    pub lasting: bool,
    /// Where things are kept.
    pub directories: Directories,
    /// The command that starts the VPN's daemon anew; none leaves that to the service manager,
    /// and no words forbid it.
    pub restart: Option<Vec<String>>,
}

impl Service {
    /// Takes the place of the one service of this machine.
    ///
    /// # Errors
    /// Where another one, or a command that changes things, is at work.
    pub async fn new(wishes: Wishes) -> Result<(Self, Desk)> {
        let directory = StateDirectory::new(&wishes.directories.state);
        let lock = directory.lock_within(crate::host::PATIENCE).await?;
        let (desk, publisher, orders) = desk::desk();
        publisher.want(wishes.settings.as_ref());
        Ok((Service { wishes, lock, desk: publisher, orders }, desk))
    }

    /// Keeps the desired state true until `stop` comes. Ending changes nothing on the network.
    ///
    /// # Errors
    /// Where the state cannot be read: nothing is known then that could be kept true.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<()> {
        let mut stop = pin!(stop);
        let mut member = Member::open(&self.wishes, &self.desk)?;
        let mut next = None;
        loop {
            next = match next.take() {
                Some(order) => tokio::select! {
                    biased;
                    () = &mut stop => return Ok(()),
                    () = self.carry_out(order, &mut member) => None,
                },
                None => tokio::select! {
                    biased;
                    () = &mut stop => return Ok(()),
                    order = self.orders.recv() => order,
                    () = member.cycle(&self.desk) => None,
                },
            }
        }
    }

    async fn carry_out(&mut self, order: Order, member: &mut Member) {
        match order {
            // Whoever gave it went away while it waited.
            Order::Up { answer, .. } if answer.is_closed() => {}
            Order::Up { settings, steps, mut answer } => {
                let report = tokio::select! {
                    report = self.up(&settings, steps) => report,
                    () = answer.closed() => return self.abandon(member).await,
                };
                if report.is_ok() {
                    self.want(Some(*settings));
                    self.wishes.lasting = false;
                }
                self.open_again(member);
                // Whoever asks next is told of what this came to.
                member.pass(&self.desk).await;
                drop(answer.send(report));
            }
            Order::Leave { how, steps, answer } => {
                let mut report = self.leave(how, steps).await;
                if let Ok(report) = &mut report {
                    report.findings.extend(self.wishes.settings.take().map(|_| comes_back()));
                    self.want(None);
                }
                self.open_again(member);
                // Whoever asks next is told of what this came to.
                member.pass(&self.desk).await;
                drop(answer.send(report));
            }
            Order::Reconcile { answer } => {
                member.hurry();
                drop(answer.send(member.pass(&self.desk).await));
            }
        }
    }

    fn want(&mut self, settings: Option<Settings>) {
        self.desk.want(settings.as_ref());
        self.wishes.settings = settings;
    }

    async fn up(&self, settings: &Settings, steps: UnboundedSender<Step>) -> Result<UpReport> {
        up::up_with(&self.lock, settings, self.desk.reporter_to(steps)).await
    }

    async fn leave(&self, how: Leave, steps: UnboundedSender<Step>) -> Result<LeaveReport> {
        let reporter = self.desk.reporter_to(steps);
        leave::leave_with(&self.lock, &self.wishes.directories, how, reporter).await
    }

    /// Nobody waits for the `up` any more: what it began goes on without anybody who would end
    /// it.
    async fn abandon(&self, member: &mut Member) {
        let abandoned = leave::abandon_with(&self.lock, &self.wishes.directories).await;
        if let Err(error) = abandoned {
            tracing::warn!(%error, "an `up` that nobody waits for is not taken back");
        }
        self.open_again(member);
    }

    fn open_again(&self, member: &mut Member) {
        match Member::open(&self.wishes, &self.desk) {
            Ok(fresh) => *member = fresh,
            Err(error) => tracing::error!(%error, "the state cannot be read"),
        }
    }
}

/// The settings that the service was started with are still there.
fn comes_back() -> Finding {
    Finding::new(
        Severity::Warning,
        "service-comes-back",
        "the service joins again when it is started the next time",
        "its settings still say so; until then it leaves the node alone",
    )
    .fix("moorline uninstall")
}
