//! The one way to wait.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How often a probe is asked.
const PACE: Duration = Duration::from_millis(50);

/// Asks `probe` until it answers `Ok`, and returns that.
///
/// # Panics
/// After `deadline`, naming `what` and the probe's last answer.
pub fn until<T, E: Debug>(
    what: &str,
    deadline: Duration,
    mut probe: impl FnMut() -> Result<T, E>,
) -> T {
    within(deadline, PACE, &mut probe).unwrap_or_else(|answer| {
        panic!("{what}: not within {deadline:?}; the last answer was {answer:?}")
    })
}

/// Asks `probe` at this pace until it answers `Ok`, and returns that; after `deadline`, its last
/// answer.
pub(crate) fn within<T, E>(
    deadline: Duration,
    pace: Duration,
    mut probe: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let started = Instant::now();
    loop {
        match probe() {
            Err(_) if started.elapsed() < deadline => std::thread::sleep(pace),
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_returns_the_first_good_answer() {
        let mut asked = 0;
        let answer = until("three questions", Duration::from_secs(5), || {
            asked += 1;
            if asked == 3 { Ok(asked) } else { Err("not yet") }
        });
        assert_eq!(answer, 3);
    }

    #[test]
    #[should_panic(expected = "the moon: not within 10ms; the last answer was \"half\"")]
    fn it_shows_the_last_answer_when_time_is_up() {
        until("the moon", Duration::from_millis(10), || Err::<(), _>("half"));
    }
}
