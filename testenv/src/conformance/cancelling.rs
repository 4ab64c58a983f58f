//! Futures that are dropped in the middle.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use super::{Bench, Subject};

/// After how many polls a call is dropped: early ones densely, later ones sparsely, so that
/// real daemons do not take for ever.
const POLLS: [usize; 9] = [1, 2, 3, 4, 5, 8, 13, 21, 34];

/// A join and an apply that were dropped go on from what is there.
pub async fn a_dropped_call_can_be_repeated<S: Subject>(fresh: impl AsyncFn() -> S) {
    for polls in POLLS {
        let mut bench = Bench::new(fresh().await);
        let joined = dropped_after(polls, bench.network.join()).await.is_some();
        bench.reopen();
        bench.network.join().await.expect("a join after a dropped one");
        let [wish, _] = bench.subject.wishes();
        let applied = dropped_after(polls, bench.network.apply(&wish)).await.is_some();
        bench.reopen();
        bench.network.apply(&wish).await.expect("an apply after a dropped one");
        let plan = bench.network.plan(&wish).await.expect("a plan");
        assert_eq!(plan.changes, [], "after {polls} polls");
        let ours = bench.host.now_in_ledger().routes;
        assert_eq!(ours, wish.pod_cidrs.into_iter().collect(), "after {polls} polls");
        if joined && applied {
            return;
        }
    }
}

/// Polls a future so often, and drops it unless it is ready by then.
async fn dropped_after<T>(polls: usize, call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match call.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
