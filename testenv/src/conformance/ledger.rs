//! Record first, change after.

use provider_api::{Leave, Ledger};

use super::{Bench, Subject};

/// More entries than any join and apply write.
const MANY: usize = 64;

/// With a full disk, applying fails, and changes nothing that needs a record.
pub async fn nothing_changes_that_cannot_be_recorded<S: Subject>(fresh: impl AsyncFn() -> S) {
    let subject = fresh().await;
    subject.enrol_by_hand().await;
    let bench = Bench::new(subject);
    bench.network.join().await.expect("an adoption");
    let recorded = bench.subject.recorded().await;
    bench.host.limit_entries(Some(0));
    let [wish, _] = bench.subject.wishes();
    bench.network.apply(&wish).await.expect_err("a full disk");
    assert_eq!(bench.subject.recorded().await, recorded);
}

/// Wherever the disk fills up, what was changed until then can be taken back.
pub async fn every_change_was_recorded_before<S: Subject>(fresh: impl AsyncFn() -> S) {
    let subject = fresh().await;
    subject.enrol_by_hand().await;
    let mut bench = Bench::new(subject);
    let before = bench.subject.world().await;
    let [wish, _] = bench.subject.wishes();
    for room in 0..MANY {
        bench.host.limit_entries(Some(room));
        let outcome = async {
            bench.network.join().await?;
            bench.network.apply(&wish).await
        };
        let complete = outcome.await.is_ok();
        bench.host.limit_entries(None);
        bench.reopen();
        bench.network.leave(Leave::Withdraw).await.expect("leaving");
        assert_eq!(bench.subject.world().await, before, "after {room} entries");
        assert_eq!(bench.host.now_in_ledger(), Ledger::default(), "after {room} entries");
        if complete {
            return;
        }
    }
    panic!("join and apply still fail with room for {MANY} entries");
}
