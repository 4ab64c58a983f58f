//! A node that was a member before.

use std::collections::BTreeMap;

use provider_api::{Enrolment, Leave, Ledger};

use super::{Bench, Subject};

/// No secret is asked for, set or not, and the node stays whose it was.
pub async fn a_member_is_adopted_without_a_secret<S: Subject>(fresh: impl AsyncFn() -> S) {
    for with_key in [true, false] {
        let subject = fresh().await;
        subject.enrol_by_hand().await;
        let secrets = if with_key { subject.secrets() } else { BTreeMap::new() };
        let bench = Bench::with_secrets(subject, secrets);
        let membership = bench.network.join().await.expect("an adoption");
        assert_eq!(membership.enrolment, Enrolment::Adopted);
        assert_eq!(bench.host.now_in_ledger().enrolment, Some(Enrolment::Adopted));
        assert_eq!(bench.host.asked(), [""; 0]);
    }
}

/// After leaving, the world is as the administrator made it, and the ledger is empty.
pub async fn adopting_and_leaving_restores_everything<S: Subject>(fresh: impl AsyncFn() -> S) {
    for how in [Leave::Withdraw, Leave::Logout] {
        let subject = fresh().await;
        subject.enrol_by_hand().await;
        let mut bench = Bench::with_secrets(subject, BTreeMap::new());
        let before = bench.subject.world().await;
        bench.set_up().await;
        assert_ne!(bench.subject.world().await, before, "settings that differ from ours");
        bench.reopen();
        bench.network.leave(how).await.expect("leaving");
        assert_eq!(bench.subject.world().await, before, "{how:?}");
        assert_eq!(bench.host.now_in_ledger(), Ledger::default(), "{how:?}");
        assert!(bench.subject.is_enrolled().await, "{how:?}");
    }
}
