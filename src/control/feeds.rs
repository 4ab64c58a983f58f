//! Answers that come line by line.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use jiff::Timestamp;
use provider_api::{Error, Result, Step};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{broadcast, oneshot, watch};

use super::types::Line;
use crate::host::{Happening, Snapshot, What, ending};

/// Each as a line of JSON.
pub(super) fn lines<T: Serialize>(all: impl Stream<Item = T>) -> impl Stream<Item = Bytes> {
    all.map(|one| {
        let mut line = serde_json::to_vec(&one).unwrap_or_default();
        line.push(b'\n');
        line.into()
    })
}

/// The present snapshot, and each newer one. Who is slow gets the newest only.
pub(super) fn snapshots(
    mut receiver: watch::Receiver<Arc<Snapshot>>,
) -> impl Stream<Item = Snapshot> {
    receiver.mark_changed();
    stream::unfold(receiver, |mut receiver| async {
        receiver.changed().await.ok()?;
        let snapshot = Snapshot::clone(&receiver.borrow_and_update());
        Some((snapshot, receiver))
    })
}

/// Each happening from now on. Who is slow is told how many it missed.
pub(super) fn happenings(
    receiver: broadcast::Receiver<Happening>,
) -> impl Stream<Item = Happening> {
    stream::unfold(receiver, |mut receiver| async {
        let happening = match receiver.recv().await {
            Ok(happening) => happening,
            Err(RecvError::Lagged(count)) => {
                Happening { at: Timestamp::now(), what: What::Missed { count } }
            }
            Err(RecvError::Closed) => return None,
        };
        Some((happening, receiver))
    })
}

/// The steps of an order, and what it came to. Who drops it gives the order up.
pub(super) fn progress<T>(
    steps: UnboundedReceiver<Step>,
    answer: oneshot::Receiver<Result<T>>,
) -> impl Stream<Item = Line<T>> {
    stream::unfold(Some((steps, answer)), |open| async {
        let (mut steps, mut answer) = open?;
        tokio::select! {
            biased;
            Some(step) = steps.recv() => Some((Line::Step(step), Some((steps, answer)))),
            end = &mut answer => Some((last(end.unwrap_or_else(|_| Err(ending()))), None)),
        }
    })
}

fn last<T>(end: Result<T, Error>) -> Line<T> {
    match end {
        Ok(answer) => Line::Answer(answer),
        Err(error) => Line::Error(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use tokio::sync::mpsc::unbounded_channel;

    #[tokio::test]
    async fn steps_come_before_the_answer_and_nothing_after_it() {
        let (steps, told) = unbounded_channel();
        let (answer, awaited) = oneshot::channel();
        steps.send(Step::begin("login", "logging in")).unwrap();
        steps.send(Step::done("login", "logged in")).unwrap();
        answer.send(Ok(7)).unwrap();
        let lines: Vec<Line<i32>> = progress(told, awaited).collect().await;
        let step = |step| Line::Step(step);
        assert_eq!(
            lines,
            [
                step(Step::begin("login", "logging in")),
                step(Step::done("login", "logged in")),
                Line::Answer(7)
            ]
        );
    }

    #[tokio::test]
    async fn an_answer_that_never_comes_is_said() {
        let (_steps, told) = unbounded_channel();
        let (answer, awaited) = oneshot::channel::<Result<i32>>();
        drop(answer);
        let lines: Vec<_> = progress(told, awaited).collect().await;
        assert_eq!(lines, [Line::Error(ending())]);
    }

    #[tokio::test]
    async fn who_is_slow_is_told_how_many_happenings_it_missed() {
        let (sender, receiver) = broadcast::channel(2);
        for peer in ["a", "b", "c", "d", "e"] {
            let what = What::PeerCame { peer: peer.to_owned() };
            sender.send(Happening { at: Timestamp::UNIX_EPOCH, what }).unwrap();
        }
        let told = pin!(happenings(receiver));
        let told: Vec<_> = told.take(2).map(|happening| happening.what).collect().await;
        assert_eq!(told, [What::Missed { count: 3 }, What::PeerCame { peer: "d".to_owned() }]);
    }
}
