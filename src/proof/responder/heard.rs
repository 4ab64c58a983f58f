//! Who of the cluster asked lately: their packets arrive here, whatever becomes of ours.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many are remembered.
const MOST: usize = 512;
/// And for so long: a peer asks more often than that, also in a large cluster.
const LATELY: Duration = Duration::from_secs(600);

/// Who of the cluster asked lately. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<Mutex<BTreeMap<IpAddr, Instant>>>);

impl Heard {
    /// The addresses that were heard of since.
    pub fn since(&self, moment: Instant) -> Vec<IpAddr> {
        let sources = self.lock();
        sources.iter().filter(|(_, last)| **last >= moment).map(|(source, _)| *source).collect()
    }

    pub(in crate::proof) fn hear(&self, source: IpAddr, now: Instant) {
        let mut sources = self.lock();
        sources.insert(source, now);
        if sources.len() > MOST {
            sources.retain(|_, last| now.duration_since(*last) <= LATELY);
        }
        if sources.len() > MOST {
            let oldest = sources.iter().min_by_key(|(_, last)| **last).map(|(source, _)| *source);
            oldest.and_then(|source| sources.remove(&source));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_has_a_bound_and_the_latest_stay() {
        let heard = Heard::default();
        let start = Instant::now();
        let at = |number: u32| start + Duration::from_millis(number.into());
        for number in 0..5_000_u32 {
            heard.hear(IpAddr::from(number.to_be_bytes()), at(number));
        }
        assert_eq!(heard.since(start).len(), MOST);
        assert!(heard.since(at(4_999)) == [IpAddr::from(4_999_u32.to_be_bytes())]);
    }
}
