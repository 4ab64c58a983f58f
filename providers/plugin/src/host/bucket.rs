//! A bound on a rate.

use std::time::{Duration, Instant};

/// Lets so many pass at once, and so many a second on the long run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bucket {
    burst: u32,
    rate: u32,
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(rate: u32, burst: u32, now: Instant) -> Bucket {
        Bucket { burst, rate, left: f64::from(burst), at: now }
    }

    /// Takes so many out; false where there are not enough, and then takes none.
    pub(super) fn take(&mut self, cost: u32, now: Instant) -> bool {
        let filled = now.saturating_duration_since(self.at).as_secs_f64() * f64::from(self.rate);
        self.left = (self.left + filled).min(f64::from(self.burst));
        self.at = now;
        let enough = self.left >= f64::from(cost);
        if enough {
            self.left -= f64::from(cost);
        }
        enough
    }

    /// How long it takes until one more is in.
    pub(super) fn pace(&self) -> Duration {
        Duration::from_secs(1) / self.rate.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 3, start);
        let passed = (0..5).filter(|_| bucket.take(1, start)).count();
        assert_eq!(passed, 3);
        assert!(!bucket.take(1, start + Duration::from_millis(50)));
        assert!(bucket.take(1, start + bucket.pace() * 2));
    }

    #[test]
    fn it_never_holds_more_than_a_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 3, start);
        let later = start + Duration::from_secs(3600);
        assert!(!bucket.take(4, later));
        assert!(bucket.take(3, later));
    }
}
