//! The steps that are under way: what to print for each, as a pure function of time.

use std::time::Instant;

use provider_api::{Step, StepState};

use crate::cli::render::{GREEN, YELLOW, plain, styled, time};

/// The steps that are under way, the latest last.
#[derive(Debug, Default)]
pub(super) struct Steps {
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    step: Step,
    since: Instant,
}

impl Steps {
    /// Takes a step in. The answer is a line to keep: the step is done, or waits.
    pub(super) fn take(&mut self, step: &Step, now: Instant) -> Option<String> {
        let before = self.open.iter().position(|open| open.step.id == step.id);
        let before = before.map(|index| self.open.remove(index));
        let since = before.as_ref().map_or(now, |open| open.since);
        if step.state == StepState::Done {
            let took = now.saturating_duration_since(since);
            let ok = styled(GREEN, "ok");
            return Some(format!("{ok}: {} ({})", plain(&step.text), time::span(took)));
        }
        let line = waiting(step);
        let told = before.as_ref().is_some_and(|open| waiting(&open.step) == line);
        self.open.push(Open { step: step.clone(), since });
        line.filter(|_| !told)
    }

    /// The line of the latest step that is under way.
    pub(super) fn live(&self, now: Instant) -> Option<String> {
        let Open { step, since } = self.open.last()?;
        let spent = time::span(now.saturating_duration_since(*since));
        let text = plain(&step.text);
        Some(match &step.state {
            StepState::Waiting { about } => {
                format!("..: {text} ({spent}, usually about {})", time::span(*about))
            }
            StepState::Running | StepState::Pending { .. } | StepState::Done => {
                format!("..: {text} ({spent})")
            }
        })
    }
}

/// What is waited for, for how long or for whom.
fn waiting(step: &Step) -> Option<String> {
    let text = match &step.state {
        StepState::Running | StepState::Done => return None,
        StepState::Waiting { about } => {
            format!("{} (usually about {})", plain(&step.text), time::span(*about))
        }
        StepState::Pending { reason, url: Some(url) } => {
            format!("{}: {}", plain(reason), plain(url))
        }
        StepState::Pending { reason, url: None } => plain(reason),
    };
    Some(format!("{}: {text}", styled(YELLOW, "waiting")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstream::adapter::strip_str;
    use std::time::Duration;

    fn pending(reason: &str) -> Step {
        let url = Some("https://hs.example/register/1".to_owned());
        Step {
            state: StepState::Pending { reason: reason.into(), url },
            ..Step::begin("login", "login")
        }
    }

    fn read(line: Option<String>) -> String {
        strip_str(&line.expect("a line")).to_string()
    }

    #[test]
    fn a_step_that_is_done_tells_its_time() {
        let (mut steps, start) = (Steps::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert_eq!(steps.take(&Step::begin("join", "joining"), at(0)), None);
        assert_eq!(steps.take(&Step::begin("join", "still joining"), at(500)), None);
        assert_eq!(steps.live(at(900)).as_deref(), Some("..: still joining (900 ms)"));
        let line = steps.take(&Step::done("join", "joined as node-1"), at(1240));
        assert_eq!(read(line), "ok: joined as node-1 (1.2 s)");
        assert_eq!(steps.live(at(1300)), None);
    }

    #[test]
    fn who_must_act_is_told_once() {
        let (mut steps, now) = (Steps::default(), Instant::now());
        let line = steps.take(&pending("an administrator must approve"), now);
        let text = "waiting: an administrator must approve: https://hs.example/register/1";
        assert_eq!(read(line), text);
        assert_eq!(steps.take(&pending("an administrator must approve"), now), None);
        assert!(steps.take(&pending("somebody else must"), now).is_some());
    }

    #[test]
    fn a_wait_is_told_once_with_its_usual_time() {
        let (mut steps, now) = (Steps::default(), Instant::now());
        let about = Duration::from_secs(10);
        let gone =
            Step { state: StepState::Waiting { about }, ..Step::begin("takeover", "is it gone?") };
        assert_eq!(read(steps.take(&gone, now)), "waiting: is it gone? (usually about 10 s)");
        assert_eq!(steps.take(&gone, now), None);
    }

    #[test]
    fn an_outer_step_comes_back_when_the_inner_is_done() {
        let (mut steps, now) = (Steps::default(), Instant::now());
        steps.take(&Step::begin("join", "joining"), now);
        steps.take(&Step::begin("login", "logging in"), now);
        steps.take(&Step::done("login", "logged in"), now);
        assert_eq!(steps.live(now).as_deref(), Some("..: joining (<1 ms)"));
    }
}
