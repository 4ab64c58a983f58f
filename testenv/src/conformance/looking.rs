//! Observing, and what can be sent to another process.

use std::time::Duration;

use futures_util::StreamExt;
use provider_api::{Event, Repair};

use super::{Bench, Subject, survives_json};

/// How late an event may be.
const PATIENCE: Duration = Duration::from_secs(20);

/// Observing, diagnosing and repairing change no setting and no route.
pub async fn looking_changes_nothing<S: Subject>(fresh: impl AsyncFn() -> S) {
    let bench = Bench::new(fresh().await);
    bench.set_up().await;
    let (world, entries) = (bench.subject.world().await, bench.host.entries());
    bench.network.observe().await.expect("a look");
    bench.network.diagnose().await;
    for what in [Repair::PeerRoutes, Repair::Firewall, Repair::Refresh] {
        bench.network.repair(what).await.expect("a repair");
        assert_eq!(bench.subject.world().await, world, "{what:?}");
    }
    assert_eq!(bench.host.entries(), entries);
}

/// A change outside ticks.
pub async fn outside_changes_make_events<S: Subject>(fresh: impl AsyncFn() -> S) {
    let bench = Bench::new(fresh().await);
    bench.set_up().await;
    let mut events = bench.network.events();
    bench.subject.disturb().await;
    let event = tokio::time::timeout(PATIENCE, events.next()).await.expect("an event in time");
    assert_eq!(event, Some(Event::Changed));
}

/// A plugin in another process must be able to send all of it.
pub async fn everything_survives_json<S: Subject>(fresh: impl AsyncFn() -> S) {
    let subject = fresh().await;
    survives_json(subject.provider().manifest());
    survives_json(&subject.settings());
    let bench = Bench::new(subject);
    let [wish, _] = bench.subject.wishes();
    survives_json(&wish);
    survives_json(&bench.network.plan(&wish).await.expect("a plan"));
    survives_json(&bench.network.join().await.expect("a join"));
    survives_json(&bench.network.apply(&wish).await.expect("an apply"));
    survives_json(&bench.network.observe().await.expect("a look"));
    survives_json(&bench.network.diagnose().await);
    survives_json(&bench.host.steps());
    survives_json(&bench.host.entries());
    survives_json(&bench.host.now_in_ledger());
}
