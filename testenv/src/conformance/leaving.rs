//! Taking back what is ours.

use provider_api::{Leave, Ledger};

use super::{Bench, Subject};

/// Leaving again, and leaving what was never joined, is fine.
pub async fn leaving_twice_is_leaving_once<S: Subject>(fresh: impl AsyncFn() -> S) {
    let bench = Bench::new(fresh().await);
    bench.network.leave(Leave::Withdraw).await.expect("leaving what was never joined");
    bench.set_up().await;
    bench.network.leave(Leave::Withdraw).await.expect("leaving");
    let world = bench.subject.world().await;
    bench.network.leave(Leave::Withdraw).await.expect("leaving again");
    assert_eq!(bench.subject.world().await, world);
    assert!(bench.subject.is_enrolled().await, "withdrawing is not logging out");
}

/// Taking back a login that came to its end takes nothing back.
pub async fn a_finished_login_is_not_taken_back<S: Subject>(fresh: impl AsyncFn() -> S) {
    let bench = Bench::new(fresh().await);
    bench.set_up().await;
    let (world, ledger) = (bench.subject.world().await, bench.host.now_in_ledger());
    bench.network.leave(Leave::Unfinished).await.expect("nothing to take back");
    assert_eq!(bench.subject.world().await, world);
    assert_eq!(bench.host.now_in_ledger(), ledger);
}

/// A node that we enrolled is logged out, and can join again.
pub async fn logging_out_ends_our_own_enrolment<S: Subject>(fresh: impl AsyncFn() -> S) {
    let mut bench = Bench::new(fresh().await);
    bench.set_up().await;
    bench.reopen();
    bench.network.leave(Leave::Logout).await.expect("logging out");
    assert!(!bench.subject.is_enrolled().await);
    assert_eq!(bench.host.now_in_ledger(), Ledger::default());
    bench.set_up().await;
    assert!(bench.subject.is_enrolled().await);
}
