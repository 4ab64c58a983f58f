//! Asking again for what already holds.

use provider_api::{Desired, RouteMode};

use super::{Bench, Subject};

/// Join twice: the same membership, the same world.
pub async fn a_second_join_changes_nothing<S: Subject>(fresh: impl AsyncFn() -> S) {
    let mut bench = Bench::new(fresh().await);
    let first = bench.network.join().await.expect("a join");
    let (world, ledger) = (bench.subject.world().await, bench.host.now_in_ledger());
    for again in ["by the same network", "after a restart"] {
        assert_eq!(bench.network.join().await.expect(again), first, "{again}");
        assert_eq!(bench.subject.world().await, world, "{again}");
        assert_eq!(bench.host.now_in_ledger(), ledger, "{again}");
        bench.reopen();
    }
}

/// Apply twice: nothing is written the second time.
pub async fn a_second_apply_changes_nothing<S: Subject>(fresh: impl AsyncFn() -> S) {
    let bench = Bench::new(fresh().await);
    let wish = bench.set_up().await;
    let (world, entries) = (bench.subject.world().await, bench.host.entries());
    bench.network.apply(&wish).await.expect("a second apply");
    assert_eq!(bench.subject.world().await, world);
    assert_eq!(bench.host.entries(), entries);
}

/// The plan shows changes before, and none after; and is only a plan.
pub async fn the_plan_is_empty_once_applied<S: Subject>(fresh: impl AsyncFn() -> S) {
    let bench = Bench::new(fresh().await);
    let (world, [wish, _]) = (bench.subject.world().await, bench.subject.wishes());
    let before = bench.network.plan(&wish).await.expect("a plan before");
    assert_ne!(before.changes, [], "a node that has not joined has all before it");
    assert_eq!(bench.subject.world().await, world, "a plan changes nothing");
    bench.set_up().await;
    let after = bench.network.plan(&wish).await.expect("a plan after");
    assert_eq!(after.changes, []);
}

/// Another wish: the old prefixes go, and nobody else's.
pub async fn a_changed_wish_withdraws_the_old_one<S: Subject>(fresh: impl AsyncFn() -> S) {
    let subject = fresh().await;
    subject.enrol_by_hand().await;
    let bench = Bench::new(subject);
    let theirs: Vec<_> = {
        let before = bench.network.observe().await.expect("a look");
        before.routes.iter().map(|route| route.prefix).collect()
    };
    bench.set_up().await;
    let [_, other] = bench.subject.wishes();
    let after = bench.network.apply(&other).await.expect("another wish");
    let mut advertised: Vec<_> = after.routes.iter().map(|route| route.prefix).collect();
    let mut wanted = [theirs, other.pod_cidrs.clone()].concat();
    advertised.sort();
    wanted.sort();
    assert_eq!(advertised, wanted);
    assert_eq!(bench.host.now_in_ledger().routes, other.pod_cidrs.into_iter().collect());
}

/// Underlay: the node joins and offers nothing.
pub async fn underlay_advertises_nothing<S: Subject>(fresh: impl AsyncFn() -> S) {
    let bench = Bench::new(fresh().await);
    bench.set_up().await;
    let [wish, _] = bench.subject.wishes();
    let underlay = Desired { mode: RouteMode::Underlay, pod_cidrs: Vec::new(), ..wish };
    let observed = bench.network.apply(&underlay).await.expect("underlay");
    assert!(observed.routes.iter().all(|route| !route.ours), "{:?}", observed.routes);
    assert!(bench.host.now_in_ledger().routes.is_empty());
}
