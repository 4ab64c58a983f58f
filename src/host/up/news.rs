//! When to look again.

use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use provider_api::{Event, Network};
use tokio::time::{sleep, timeout};

/// How long to wait for the next look where nothing tells that something changed: a peer's
/// answer makes no event.
const NEXT_LOOK: Duration = Duration::from_millis(500);
/// The first news after a change come quickly, one after the other.
const FIRST_GAP: Duration = Duration::from_millis(60);

/// News of a network, no faster than they can be looked at: in a large network something always
/// changes.
pub(super) struct News<'a> {
    network: &'a dyn Network,
    events: BoxStream<'static, Event>,
    gap: Duration,
}

impl<'a> News<'a> {
    /// The news from now on.
    pub(super) fn of(network: &'a dyn Network) -> Self {
        News { network, events: network.events(), gap: FIRST_GAP }
    }

    /// Comes back when it is time to look again. A daemon that went away may come back.
    pub(super) async fn wait(&mut self) {
        let gap = self.gap;
        self.gap = longer(gap);
        sleep(gap).await;
        let rest = NEXT_LOOK.saturating_sub(gap);
        match timeout(rest, self.events.next()).await {
            Ok(Some(Event::Changed)) => self.skip(),
            Ok(Some(Event::Gone) | None) => {
                sleep(rest).await;
                self.events = self.network.events();
            }
            Err(_quiet) => {}
        }
    }

    /// One look answers all that came until now.
    fn skip(&mut self) {
        while let Some(Some(Event::Changed)) = self.events.next().now_or_never() {}
    }
}

fn longer(gap: Duration) -> Duration {
    (gap * 2).min(NEXT_LOOK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rarer_and_never_stop() {
        let gaps: Vec<_> = std::iter::successors(Some(FIRST_GAP), |gap| Some(longer(*gap)))
            .take(6)
            .map(|gap| gap.as_millis())
            .collect();
        assert_eq!(gaps, [60, 120, 240, 480, 500, 500]);
    }
}
