//! How the way to one canary has been lately.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Limits;
use crate::proof::Quality;

/// So many questions are remembered, and for so long.
const MOST: usize = 40;
const LATELY: Duration = Duration::from_secs(900);
/// So few answers tell nothing of the round trip, so few questions nothing of loss.
const FEWEST_ANSWERS: usize = 3;
const FEWEST_QUESTIONS: usize = 20;

/// How the way to one canary has been lately.
#[derive(Debug, Default)]
pub(super) struct History {
    tries: VecDeque<Try>,
    slow: Option<Duration>,
    lossy: Option<Percent>,
}

/// Of packets.
pub(super) type Percent = u32;

#[derive(Debug)]
struct Try {
    at: Instant,
    round_trip: Option<Duration>,
}

impl History {
    pub(super) fn add(&mut self, tries: &[Option<Duration>], now: Instant, limits: &Limits) {
        self.tries.extend(tries.iter().map(|round_trip| Try { at: now, round_trip: *round_trip }));
        while self.tries.len() > MOST || self.tries.front().is_some_and(|one| is_old(one, now)) {
            self.tries.pop_front();
        }
        let Some(quality) = self.quality(now) else { return };
        if quality.asked - quality.lost >= FEWEST_ANSWERS {
            let limit = limits.round_trip;
            self.slow = hold(self.slow, quality.median, limit, limit * 4 / 5);
        }
        if quality.asked >= FEWEST_QUESTIONS {
            let limit = Percent::from(limits.loss);
            let lost = quality.lost * 100 / quality.asked;
            self.lossy = hold(self.lossy, Percent::try_from(lost).unwrap_or(100), limit, limit / 2);
        }
    }

    /// None where nothing was answered.
    pub(super) fn quality(&self, now: Instant) -> Option<Quality> {
        let recent = || self.tries.iter().filter(|one| !is_old(one, now));
        let mut answered: Vec<Duration> = recent().filter_map(|one| one.round_trip).collect();
        answered.sort_unstable();
        let asked = recent().count();
        Some(Quality {
            shortest: *answered.first()?,
            median: *answered.get(answered.len() / 2)?,
            asked,
            lost: asked - answered.len(),
        })
    }

    /// The median of the round trips, where that is too long. Once it is so, it stays so until
    /// it is a fifth below the limit.
    pub(super) fn slow(&self) -> Option<Duration> {
        self.slow
    }

    /// How many packets are lost, where that is too much. Once it is so, it stays so until half
    /// as many are.
    pub(super) fn lossy(&self) -> Option<Percent> {
        self.lossy
    }
}

/// A figure that was told stays until another is worth telling: it is fine, or twice the one
/// that was told, or half of it.
fn hold<T>(told: Option<T>, now: T, limit: T, fine: T) -> Option<T>
where
    T: Copy + PartialOrd + std::ops::Add<Output = T>,
{
    match told {
        None => (now > limit).then_some(now),
        Some(_) if now <= fine => None,
        Some(told) if now >= told + told || now + now <= told => Some(now),
        Some(told) => Some(told),
    }
}

fn is_old(one: &Try, now: Instant) -> bool {
    now.duration_since(one.at) > LATELY
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn after(history: &mut History, round_trips: &[Option<u32>]) -> (bool, bool) {
        let now = Instant::now();
        for round_trip in round_trips {
            let tries = [round_trip.map(|millis| MILLISECOND * millis)];
            history.add(&tries, now, &Limits::default());
        }
        (history.slow().is_some(), history.lossy().is_some())
    }

    #[test]
    fn a_long_way_is_told_and_not_taken_back_at_once() {
        let history = &mut History::default();
        assert_eq!(after(history, &[Some(900); 2]), (false, false), "two tell nothing");
        assert_eq!(after(history, &[Some(900)]), (true, false));
        assert_eq!(after(history, &[Some(290); 40]), (true, false), "below, but not by much");
        assert_eq!(after(history, &[Some(230); 40]), (false, false));
        assert_eq!(after(history, &[Some(290); 40]), (false, false), "above what cleared it");
    }

    #[test]
    fn one_late_packet_makes_no_long_way() {
        let mut round_trips = [Some(20); 30];
        round_trips[7] = Some(5_000);
        assert_eq!(after(&mut History::default(), &round_trips), (false, false));
    }

    #[test]
    fn loss_is_told_and_not_taken_back_at_once() {
        let history = &mut History::default();
        let lost = |of: usize, each: usize| -> Vec<Option<u32>> {
            (0..of).map(|number| (number % each != 0).then_some(20)).collect()
        };
        assert_eq!(after(history, &lost(19, 4)), (false, false), "too few to tell");
        assert_eq!(after(history, &lost(21, 4)), (false, true));
        // Two of 40 are 5 %: not above the limit, and above its half.
        assert_eq!(after(history, &lost(40, 33)), (false, true));
        assert_eq!(after(history, &[Some(20); 40]), (false, false));
        assert_eq!(after(history, &lost(40, 33)), (false, false));
    }

    #[test]
    fn a_figure_that_was_told_changes_seldom() {
        let history = &mut History::default();
        let mut told = |millis| {
            after(history, &[Some(millis); 40]);
            history.slow().map(|median| median.as_millis())
        };
        assert_eq!([400, 500, 790, 350].map(&mut told), [Some(400); 4]);
        assert_eq!([800, 410].map(&mut told), [Some(800); 2]);
        assert_eq!([400, 230].map(&mut told), [Some(400), None]);
    }

    #[test]
    fn what_is_remembered_has_a_bound_in_number_and_time() {
        let (mut history, start) = (History::default(), Instant::now());
        history.add(&[Some(MILLISECOND); 1_000], start, &Limits::default());
        assert_eq!(history.tries.len(), MOST);
        assert!(history.quality(start + LATELY).is_some());
        assert_eq!(history.quality(start + LATELY + MILLISECOND), None);
        history.add(&[None], start + 2 * LATELY, &Limits::default());
        assert_eq!(history.tries.len(), 1);
    }
}
