//! How much a responder does, whoever asks. Pure.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// So many answers a source gets at once, and so many in a second from then on.
const BURST: u32 = 32;
const EVERY: Duration = Duration::from_millis(50);
/// Sources share these by chance: one that floods takes no more than its share.
const SHARES: usize = 64;
/// So many datagrams are read in a turn; the kernel drops what does not fit its queue.
const MOST_READ: u32 = 1_000;
/// How long a turn takes.
const TURN: Duration = Duration::from_secs(1);

/// Who gets an answer, and when reading pauses. Of a fixed size.
#[derive(Debug)]
pub(super) struct Throttle {
    shares: Vec<Share>,
    chance: RandomState,
    turn: Instant,
    read: u32,
}

/// A share is used up to this moment: each answer takes some of the time to come.
#[derive(Debug, Clone, Copy)]
struct Share {
    used_until: Instant,
}

impl Throttle {
    pub(super) fn new(now: Instant) -> Self {
        let shares = vec![Share { used_until: now }; SHARES];
        Throttle { shares, chance: RandomState::new(), turn: now, read: 0 }
    }

    /// Whether this source gets an answer now.
    pub(super) fn admits(&mut self, source: IpAddr, now: Instant) -> bool {
        let number = self.chance.hash_one(source) % SHARES as u64;
        let share = usize::try_from(number).ok().and_then(|number| self.shares.get_mut(number));
        share.is_some_and(|share| share.admits(now))
    }

    /// Counts a datagram that was read. How long to pause before the next, where the turn's
    /// are used up.
    pub(super) fn pause(&mut self, now: Instant) -> Option<Duration> {
        if now.duration_since(self.turn) >= TURN {
            (self.turn, self.read) = (now, 0);
        }
        self.read += 1;
        (self.read >= MOST_READ).then(|| TURN - now.duration_since(self.turn))
    }
}

impl Share {
    fn admits(&mut self, now: Instant) -> bool {
        let used_until = self.used_until.max(now) + EVERY;
        let admits = used_until <= now + EVERY * BURST;
        if admits {
            self.used_until = used_until;
        }
        admits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn source(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn a_source_gets_a_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut throttle = Throttle::new(start);
        let mut admitted = |now| (0..1_000).filter(|_| throttle.admits(source(7), now)).count();
        assert_eq!(admitted(start), 32);
        assert_eq!(admitted(start + EVERY), 1);
        assert_eq!(admitted(start + Duration::from_secs(1)), 19);
        assert_eq!(admitted(start + HOUR), 32, "silence saves up no more than a burst");
    }

    #[test]
    fn who_floods_starves_few_others() {
        let now = Instant::now();
        let mut throttle = Throttle::new(now);
        while throttle.admits(source(0), now) {}
        let served = (1..=64).filter(|number| throttle.admits(source(*number), now)).count();
        assert!(served > 50, "{served}");
    }

    #[test]
    fn all_sources_together_have_a_bound() {
        let now = Instant::now();
        let mut throttle = Throttle::new(now);
        let served = (0..100_000).filter(|number| throttle.admits(source(*number), now)).count();
        assert_eq!(served, 64 * 32);
    }

    #[test]
    fn reading_pauses_until_the_turn_is_over() {
        let start = Instant::now();
        let mut throttle = Throttle::new(start);
        let half = start + TURN / 2;
        assert!((1..MOST_READ).all(|_| throttle.pause(half).is_none()));
        assert_eq!(throttle.pause(half), Some(TURN / 2));
        assert_eq!(throttle.pause(start + TURN), None);
    }
}
