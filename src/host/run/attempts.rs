//! What was tried, and when it may be tried again. Pure.
//!
//! A mend that holds is forgotten. One that somebody takes back is done again later each time:
//! Moorline never fights. One that fails is tried again later each time too.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use provider_api::{Error, Finding, Repair, Severity};

use super::subject::Subject;

/// The first wait after somebody took a mend back.
const FIRST_QUARREL: Duration = Duration::from_secs(10);
const LONGEST_QUARREL: Duration = Duration::from_secs(3600);
/// The first wait after a failure that time may mend, and after one that somebody must mend.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const FIRST_APPEAL: Duration = Duration::from_secs(15);
const LONGEST_RETRY: Duration = Duration::from_secs(10);
const LONGEST_APPEAL: Duration = Duration::from_secs(600);
/// A mend that held so long, and twice as long as the next wait, is forgotten.
const QUIET: Duration = Duration::from_secs(300);

/// What was tried, by subject.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    records: BTreeMap<Subject, Record>,
}

#[derive(Debug)]
struct Record {
    /// How often it was mended, or failed, without a quiet time between.
    times: u32,
    last: Instant,
    failure: Option<Error>,
    /// Whether it was off again when last looked at.
    is_off: bool,
}

impl Record {
    /// How long after the last attempt the next one may come.
    fn wait(&self) -> Duration {
        match &self.failure {
            None if self.times < 2 && !self.is_off => Duration::ZERO,
            None => grown(FIRST_QUARREL, self.times - 1, LONGEST_QUARREL),
            Some(error) if error.kind.retry_after().is_some() => {
                grown(FIRST_RETRY, self.times - 1, LONGEST_RETRY)
            }
            Some(_) => grown(FIRST_APPEAL, self.times - 1, LONGEST_APPEAL),
        }
    }

    fn due(&self) -> Instant {
        self.last + self.wait()
    }

    fn is_quarrel(&self) -> bool {
        self.failure.is_none() && (self.times > 1 || self.is_off)
    }

    fn is_forgotten(&self, now: Instant) -> bool {
        !self.is_off && now.saturating_duration_since(self.last) >= QUIET.max(self.wait() * 2)
    }
}

impl Attempts {
    /// Takes in what is off now. What is not off any more and held long enough is forgotten; a
    /// failure is forgotten at once.
    pub(super) fn saw(&mut self, off: &BTreeSet<Subject>, now: Instant) {
        for (subject, record) in &mut self.records {
            record.is_off = off.contains(subject);
        }
        self.records.retain(|_, record| {
            let is_over = record.failure.is_some() && !record.is_off;
            !is_over && !record.is_forgotten(now)
        });
    }

    /// Whether it may be tried now.
    pub(super) fn may(&self, subject: &Subject, now: Instant) -> bool {
        self.records.get(subject).is_none_or(|record| record.due() <= now)
    }

    /// It was mended just now.
    pub(super) fn mended(&mut self, subject: &Subject, now: Instant) {
        self.enter(subject, now, None);
    }

    /// It failed just now.
    pub(super) fn failed(&mut self, subject: &Subject, error: Error, now: Instant) {
        self.enter(subject, now, Some(error));
    }

    /// Somebody asks for it now: no wait holds it back, and nothing is forgotten of it.
    pub(super) fn hurry(&mut self, now: Instant) {
        for record in self.records.values_mut() {
            record.last = now.checked_sub(record.wait()).unwrap_or(record.last);
        }
    }

    /// When the next thing that is off may be tried again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let off = self.records.values().filter(|record| record.is_off);
        off.map(Record::due).min()
    }

    /// What somebody else takes back again and again, and what failed, for people.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let told = |(subject, record): (&Subject, &Record)| match &record.failure {
            Some(error) => Some(failure(error)),
            None if record.is_quarrel() => quarrel(subject, record),
            None => None,
        };
        self.records.iter().filter_map(told).collect()
    }

    fn enter(&mut self, subject: &Subject, now: Instant, failure: Option<Error>) {
        let before = self.records.get(subject);
        let same_kind = before.filter(|one| one.failure.is_some() == failure.is_some());
        let times = same_kind.map_or(0, |one| one.times) + 1;
        let record = Record { times, last: now, failure, is_off: false };
        self.records.insert(subject.clone(), record);
    }
}

fn grown(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times)).min(longest)
}

/// An error as a finding: who must act stands in its fix.
pub(super) fn failure(error: &Error) -> Finding {
    let why = match error.kind.retry_after() {
        Some(_) => "it is tried again until it works",
        None => "it is tried again at growing intervals, and at once after `moorline up`",
    };
    let finding = Finding::new(Severity::Error, &error.code, &error.what, why);
    Finding { fix: error.fix.clone(), ..finding }
}

/// Who asks for news again and again quarrels with nobody.
fn quarrel(subject: &Subject, record: &Record) -> Option<Finding> {
    let (code, what, fix) = match subject {
        Subject::Nudge(Repair::Refresh) | Subject::Membership => return None,
        Subject::Nudge(Repair::Restart) => (
            "daemon-keeps-ending",
            format!("the VPN's daemon went away again after {} restarts", record.times),
            "read the daemon's log: it says why it ends",
        ),
        Subject::Setting(_) | Subject::Nudge(_) => (
            "changed-back",
            format!("something else changes {subject} back: it was mended {} times", record.times),
            "find out who sets it, and have it set what Moorline needs, or: moorline leave",
        ),
    };
    let wait = record.wait().as_secs();
    let why = format!("Moorline does not fight: the next mend comes {wait} s after the last");
    Some(Finding::new(Severity::Warning, code, what, why).fix(fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use provider_api::ErrorKind;

    fn it() -> Subject {
        Subject::Setting("net/ipv4/ip_forward".to_owned())
    }

    fn off() -> BTreeSet<Subject> {
        BTreeSet::from([it()])
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// When it is mended, where somebody takes each mend back at once.
    fn mends(start: Instant, until: Duration) -> Vec<u64> {
        let mut attempts = Attempts::default();
        let mut times = Vec::new();
        for second in 0..until.as_secs() {
            let now = start + seconds(second);
            attempts.saw(&off(), now);
            if attempts.may(&it(), now) {
                attempts.mended(&it(), now);
                times.push(second);
            }
        }
        times
    }

    #[test]
    fn who_takes_mends_back_is_met_ever_more_rarely() {
        assert_eq!(mends(Instant::now(), seconds(200)), [0, 10, 30, 70, 150]);
        let day = mends(Instant::now(), seconds(86_400));
        assert!(day.len() < 40, "never more than one an hour in the end: {day:?}");
        assert!(day.windows(2).all(|pair| pair[1] - pair[0] <= 3600), "and never given up");
    }

    #[test]
    fn the_first_mend_is_no_quarrel_and_the_second_is_one() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        attempts.saw(&off(), now);
        attempts.mended(&it(), now);
        attempts.saw(&BTreeSet::new(), now);
        assert!(attempts.findings().is_empty());
        attempts.saw(&off(), now + seconds(1));
        let findings = attempts.findings();
        assert_eq!(findings.len(), 1);
        assert!(findings[0].what.contains("ip_forward"), "{findings:?}");
        assert!(!attempts.may(&it(), now + seconds(9)));
        assert!(attempts.may(&it(), now + seconds(10)));
        assert_eq!(attempts.next_due(), Some(now + seconds(10)));
    }

    #[test]
    fn asking_for_news_is_no_quarrel_but_is_done_ever_more_rarely() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let news = Subject::Nudge(Repair::Refresh);
        attempts.mended(&news, now);
        attempts.mended(&news, now);
        attempts.saw(&BTreeSet::from([news.clone()]), now);
        assert!(attempts.findings().is_empty() && !attempts.may(&news, now));
    }

    #[test]
    fn a_mend_that_holds_is_forgotten() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        attempts.mended(&it(), now);
        attempts.saw(&BTreeSet::new(), now + QUIET);
        attempts.saw(&off(), now + QUIET);
        assert!(attempts.may(&it(), now + QUIET) && attempts.findings().is_empty());
    }

    #[test]
    fn a_failure_is_told_until_it_is_over() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        attempts.saw(&off(), now);
        attempts.failed(&it(), Error::unavailable("away", "it is away"), now);
        attempts.saw(&off(), now);
        assert_eq!(attempts.findings()[0].code, "away");
        assert!(!attempts.may(&it(), now) && attempts.may(&it(), now + FIRST_RETRY));
        attempts.saw(&BTreeSet::new(), now);
        assert!(attempts.findings().is_empty() && attempts.may(&it(), now));
    }

    #[test]
    fn what_somebody_must_mend_is_tried_rarely_and_at_once_when_asked() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let denied = Error::new(ErrorKind::Denied, "logged-out", "it was logged out");
        attempts.failed(&it(), denied, now);
        assert!(!attempts.may(&it(), now + seconds(14)));
        attempts.hurry(now);
        assert!(attempts.may(&it(), now));
    }
}
