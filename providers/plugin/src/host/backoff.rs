//! When a plugin that died may be started again.

use std::time::{Duration, Instant};

/// How often a plugin died in a row, and when it may be started again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Backoff {
    first: Duration,
    most: Duration,
    deaths: u32,
    not_before: Option<Instant>,
}

impl Backoff {
    /// Nothing died yet. The waits are none, `first`, twice that, and so on up to `most`.
    pub(super) fn new(first: Duration, most: Duration) -> Backoff {
        Backoff { first, most, deaths: 0, not_before: None }
    }

    /// It was started at one time, and died at the other.
    pub(super) fn died(&mut self, started: Instant, now: Instant) {
        if now.saturating_duration_since(started) > self.most {
            self.deaths = 0;
        }
        let wait = match self.deaths {
            0 => Duration::ZERO,
            deaths => self.first.saturating_mul(1 << (deaths - 1).min(16)).min(self.most),
        };
        self.deaths += 1;
        self.not_before = Some(now + wait);
    }

    /// Whether it must not be started yet.
    pub(super) fn rests(&self, now: Instant) -> bool {
        self.not_before.is_some_and(|time| now < time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The waits after so many deaths, each of them at once after the start.
    fn waits(backoff: &mut Backoff, deaths: usize, now: Instant) -> Vec<u64> {
        let wait = |_| {
            backoff.died(now, now);
            let wait = backoff.not_before.expect("a death") - now;
            assert_eq!(backoff.rests(now), !wait.is_zero());
            assert!(!backoff.rests(now + wait));
            wait.as_secs()
        };
        (0..deaths).map(wait).collect()
    }

    #[test]
    fn the_first_start_is_at_once_and_the_others_ever_later_up_to_a_bound() {
        let mut backoff = Backoff::new(SECOND, 60 * SECOND);
        let now = Instant::now();
        assert!(!backoff.rests(now));
        assert_eq!(waits(&mut backoff, 9, now), [0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(waits(&mut backoff, 100, now).last(), Some(&60));
    }

    #[test]
    fn a_long_life_forgives() {
        let mut backoff = Backoff::new(SECOND, 60 * SECOND);
        let start = Instant::now();
        waits(&mut backoff, 5, start);
        backoff.died(start, start + 61 * SECOND);
        assert!(!backoff.rests(start + 61 * SECOND));
    }
}
