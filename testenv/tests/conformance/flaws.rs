//! That the suite notices: each flaw breaks the promise that forbids it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use testenv::conformance;
use testenv::fake::{Flaw, FlawedProvider};

use crate::{Fake, wire};

/// Checks that this promise is broken by this flaw, and kept without: in this process, and over
/// the wire.
macro_rules! noticed {
    ($($flaw:ident breaks $promise:ident)*) => {
        $(
            #[test]
            #[allow(non_snake_case, reason = "the test is called by the flaw")]
            fn $flaw() {
                let flawed = || Fake::seen_through(|whole| {
                    Box::new(FlawedProvider::new(whole, Flaw::$flaw))
                });
                let over_the_wire = || wire::fake(Some(Flaw::$flaw));
                assert!(!is_kept(|| conformance::$promise(async || flawed())), "not noticed");
                assert!(
                    !is_kept(|| conformance::$promise(async || over_the_wire())),
                    "not noticed over the wire"
                );
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
