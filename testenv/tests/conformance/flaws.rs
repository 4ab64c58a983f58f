//! That the suite notices: each flaw breaks the promise that forbids it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use ipnet::IpNet;
use provider_api::{
    Desired, Event, Finding, Host, Leave, Ledger, LedgerEntry, Manifest, Membership, Network,
    Observed, Plan, PolicyRequest, Provider, ProviderSettings, Repair, Result, Secret, Step,
};
use testenv::conformance;
use testenv::fake::{self, FakeProvider};

use crate::Fake;

/// What a careless provider could do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    RecordsNothing,
    RecordsAgain,
    AlwaysAsksForTheKey,
    TellsTheKey,
    LeavesAllBehind,
    PlansByDoing,
    GivesNoAdvice,
    AdvertisesInUnderlay,
    KeepsTheOldRoute,
    ChangesUnrecorded,
    TellsNoNews,
    RepairsByLeaving,
    TakesBackAll,
    StaysLoggedIn,
    AlwaysLogsOut,
    CallsItselfAnew,
    TellsNoKeyFromAnother,
    NamesNoPrefix,
    TakesEverySetting,
}

struct FlawedProvider(FakeProvider, Flaw);

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

/// Checks that this promise is broken by this flaw, and kept without.
macro_rules! noticed {
    ($($flaw:ident breaks $promise:ident)*) => {
        $(
            #[test]
            #[allow(non_snake_case, reason = "the test is called by the flaw")]
            fn $flaw() {
                let flawed = || Fake::seen_through(|whole| Box::new(FlawedProvider(whole, Flaw::$flaw)));
                assert!(!is_kept(|| conformance::$promise(async || flawed())), "not noticed");
                assert!(is_kept(|| conformance::$promise(async || Fake::fresh())), "too strict");
            }
        )*
    };
}

fn is_kept<P: Future<Output = ()>>(promise: impl FnOnce() -> P) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(promise()))).is_ok()
}

noticed! {
    RecordsNothing breaks every_change_was_recorded_before
    RecordsAgain breaks a_second_apply_changes_nothing
    AlwaysAsksForTheKey breaks a_member_is_adopted_without_a_secret
    TellsTheKey breaks no_output_holds_a_secret
    LeavesAllBehind breaks adopting_and_leaving_restores_everything
    PlansByDoing breaks the_plan_is_empty_once_applied
    GivesNoAdvice breaks a_missing_key_is_named
    AdvertisesInUnderlay breaks underlay_advertises_nothing
    KeepsTheOldRoute breaks a_changed_wish_withdraws_the_old_one
    ChangesUnrecorded breaks nothing_changes_that_cannot_be_recorded
    TellsNoNews breaks outside_changes_make_events
    RepairsByLeaving breaks looking_changes_nothing
    TakesBackAll breaks a_finished_login_is_not_taken_back
    StaysLoggedIn breaks logging_out_ends_our_own_enrolment
    AlwaysLogsOut breaks leaving_twice_is_leaving_once
    CallsItselfAnew breaks a_second_join_changes_nothing
    TellsNoKeyFromAnother breaks wrong_keys_are_refused
    NamesNoPrefix breaks the_policy_names_the_prefixes
    TakesEverySetting breaks wrong_settings_are_named
}
