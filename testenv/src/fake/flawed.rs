//! A provider with a flaw: what the conformance suite must notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use ipnet::IpNet;
use provider_api::{
    Desired, Event, Finding, Host, Leave, Ledger, LedgerEntry, Manifest, Membership, Network,
    Observed, Plan, PolicyRequest, Provider, ProviderSettings, Repair, Result, Secret, Step,
};
use serde::{Deserialize, Serialize};

use super::FakeProvider;
use crate::fake;

/// What a careless provider could do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flaw {
    /// Its ledger stays empty.
    RecordsNothing,
    /// Each apply records a route.
    RecordsAgain,
    /// It asks for the key of a member, too.
    AlwaysAsksForTheKey,
    /// A step shows the key.
    TellsTheKey,
    /// It leaves without taking anything back.
    LeavesAllBehind,
    /// A plan applies.
    PlansByDoing,
    /// Its errors have no fix.
    GivesNoAdvice,
    /// It advertises whatever the mode.
    AdvertisesInUnderlay,
    /// A route that is no longer wanted stays.
    KeepsTheOldRoute,
    /// It goes on where a record cannot be written.
    ChangesUnrecorded,
    /// Its events end at once.
    TellsNoNews,
    /// A repair withdraws.
    RepairsByLeaving,
    /// It takes back a login that came to its end.
    TakesBackAll,
    /// Logging out withdraws only.
    StaysLoggedIn,
    /// Withdrawing logs out.
    AlwaysLogsOut,
    /// Each join gives another name.
    CallsItselfAnew,
    /// Every refused key has the same code.
    TellsNoKeyFromAnother,
    /// Its policy is empty.
    NamesNoPrefix,
    /// It looks at no setting.
    TakesEverySetting,
}

/// The fake provider with a flaw.
pub struct FlawedProvider(FakeProvider, Flaw);

impl FlawedProvider {
    /// This provider with this flaw.
    pub fn new(whole: FakeProvider, flaw: Flaw) -> Self {
        FlawedProvider(whole, flaw)
    }
}

struct FlawedNetwork {
    whole: Box<dyn Network>,
    host: Arc<dyn Host>,
    flaw: Flaw,
    joins: AtomicU32,
}

/// A host whose ledger stays empty.
struct Forgetful(Arc<dyn Host>);

/// A host that calls a record written which is not.
struct Careless(Arc<dyn Host>);

impl Provider for FlawedProvider {
    fn manifest(&self) -> &Manifest {
        self.0.manifest()
    }

    fn open(&self, settings: &ProviderSettings, host: Arc<dyn Host>) -> Result<Box<dyn Network>> {
        let given: Arc<dyn Host> = if self.1 == Flaw::RecordsNothing {
            Arc::new(Forgetful(Arc::clone(&host)))
        } else if self.1 == Flaw::ChangesUnrecorded {
            Arc::new(Careless(Arc::clone(&host)))
        } else {
            Arc::clone(&host)
        };
        let mut settings = settings.clone();
        if self.1 == Flaw::TakesEverySetting {
            settings.values.clear();
        }
        let whole = self.0.open(&settings, given)?;
        Ok(Box::new(FlawedNetwork { whole, host, flaw: self.1, joins: AtomicU32::new(0) }))
    }

    fn policy(&self, request: &PolicyRequest) -> Result<String> {
        let text = self.0.policy(request)?;
        Ok(if self.1 == Flaw::NamesNoPrefix { String::new() } else { text })
    }
}

#[async_trait]
impl Host for Forgetful {
    fn progress(&self, step: Step) {
        self.0.progress(step);
    }

    async fn ledger(&self) -> Result<Ledger> {
        Ok(Ledger::default())
    }

    async fn record(&self, _entry: LedgerEntry) -> Result<()> {
        Ok(())
    }

    async fn secret(&self, key: &str) -> Result<Option<Secret>> {
        self.0.secret(key).await
    }
}

#[async_trait]
impl Host for Careless {
    fn progress(&self, step: Step) {
        self.0.progress(step);
    }

    async fn ledger(&self) -> Result<Ledger> {
        self.0.ledger().await
    }

    async fn record(&self, entry: LedgerEntry) -> Result<()> {
        self.0.record(entry).await.or(Ok(()))
    }

    async fn secret(&self, key: &str) -> Result<Option<Secret>> {
        self.0.secret(key).await
    }
}

#[async_trait]
impl Network for FlawedNetwork {
    async fn plan(&self, want: &Desired) -> Result<Plan> {
        if self.flaw == Flaw::PlansByDoing {
            self.whole.apply(want).await?;
        }
        self.whole.plan(want).await
    }

    async fn join(&self) -> Result<Membership> {
        if matches!(self.flaw, Flaw::AlwaysAsksForTheKey | Flaw::TellsTheKey) {
            let key = self.host.secret("joinKey").await?;
            let key = key.filter(|_| self.flaw == Flaw::TellsTheKey);
            let text = key.map_or_else(String::new, |key| key.expose().to_owned());
            self.host.progress(Step::begin("key", format!("joining by {text}")));
        }
        let mut joined = self.whole.join().await.map_err(|mut error| {
            error.fix = error.fix.filter(|_| self.flaw != Flaw::GivesNoAdvice);
            if self.flaw == Flaw::TellsNoKeyFromAnother {
                error.code = "key".into();
            }
            error
        })?;
        if self.flaw == Flaw::CallsItselfAnew {
            joined.name += &self.joins.fetch_add(1, Ordering::Relaxed).to_string();
        }
        Ok(joined)
    }

    async fn apply(&self, want: &Desired) -> Result<Observed> {
        if self.flaw == Flaw::RecordsAgain {
            let prefix: IpNet = fake::pod_cidr(1);
            self.host.record(LedgerEntry::Advertising(prefix)).await?;
        }
        let mut want = want.clone();
        if self.flaw == Flaw::AdvertisesInUnderlay {
            want.mode = provider_api::RouteMode::Routed;
            want.pod_cidrs = vec![fake::pod_cidr(1)];
        }
        if self.flaw == Flaw::KeepsTheOldRoute && !want.pod_cidrs.contains(&fake::pod_cidr(1)) {
            want.pod_cidrs.push(fake::pod_cidr(1));
        }
        self.whole.apply(&want).await
    }

    async fn observe(&self) -> Result<Observed> {
        self.whole.observe().await
    }

    fn events(&self) -> BoxStream<'static, Event> {
        if self.flaw == Flaw::TellsNoNews {
            return Box::pin(futures_util::stream::empty());
        }
        self.whole.events()
    }

    async fn repair(&self, what: Repair) -> Result<()> {
        if self.flaw == Flaw::RepairsByLeaving {
            self.whole.leave(Leave::Withdraw).await?;
        }
        self.whole.repair(what).await
    }

    async fn leave(&self, how: Leave) -> Result<()> {
        if self.flaw == Flaw::LeavesAllBehind {
            return self.host.record(LedgerEntry::Left).await;
        }
        let how = match (self.flaw, how) {
            (Flaw::TakesBackAll, Leave::Unfinished) | (Flaw::StaysLoggedIn, Leave::Logout) => {
                Leave::Withdraw
            }
            (Flaw::AlwaysLogsOut, Leave::Withdraw) => Leave::Logout,
            (_, how) => how,
        };
        self.whole.leave(how).await
    }

    async fn diagnose(&self) -> Vec<Finding> {
        self.whole.diagnose().await
    }
}
