//! Waiting for the stage that was asked for.

use std::time::{Duration, Instant};

use ipnet::IpNet;
use provider_api::{
    Control, Error, ErrorKind, Observed, Repair, Result, RouteStage, Step, StepState,
};

use super::Up;
use super::news::News;
use crate::host::{Stage, judge, probing, unprobed};
use crate::proof::{Outcome, Verdict};

/// How often to ask for news about routes of which nobody here can tell how far they are.
const ASK_ANEW: Duration = Duration::from_secs(5);

/// What one look saw.
pub(super) struct Seen {
    pub(super) observed: Observed,
    /// None where nobody was asked.
    pub(super) verdict: Option<Verdict>,
}

/// When the control server was asked for news, and when the time is over.
struct Clock {
    deadline: Instant,
    asked: Instant,
    /// Whether the control server was heard to still know this node.
    is_sure: bool,
}

impl Clock {
    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Whether to ask for news: about routes of which nothing is known, and before a node takes
    /// itself for the only one. One that the control server deleted looks just like that.
    fn should_ask(&self, seen: &Seen, pod_cidrs: &[IpNet]) -> bool {
        let is_unclear = judge::is_unclear(&seen.observed, pod_cidrs);
        self.is_doubtful(seen) || is_unclear && self.asked.elapsed() >= ASK_ANEW
    }

    fn is_doubtful(&self, seen: &Seen) -> bool {
        !self.is_sure && seen.outcome() == Some(Outcome::Alone)
    }
}

impl Seen {
    fn outcome(&self) -> Option<Outcome> {
        self.verdict.as_ref().map(|verdict| verdict.outcome)
    }

    fn stage(&self, pod_cidrs: &[IpNet]) -> Stage {
        judge::stage_of(&self.observed, pod_cidrs, self.verdict.as_ref())
    }
}

impl Up<'_> {
    /// Observes and probes until the wanted stage is reached or its time is over. A daemon that
    /// goes away meanwhile may come back. A node that was `just_enrolled` is known.
    pub(super) async fn prove(&self, first: Observed, just_enrolled: bool) -> Result<Seen> {
        let wanted = self.settings.wait.value.unwrap_or(Stage::Joined);
        let now = Instant::now();
        let deadline = now + self.settings.wait_for.value;
        let mut clock = Clock { deadline, asked: now, is_sure: just_enrolled };
        let mut news = News::of(&*self.opened.network);
        self.opened.session.begin("proof", format!("waiting to be {wanted}"));
        let mut looked = self.glance(first).await;
        loop {
            match looked {
                Ok(seen) if self.is_enough(&seen, wanted, &clock) => return Ok(seen),
                Ok(seen) if clock.is_over() || is_put_out(&seen) => {
                    return self.look_closer().await;
                }
                Ok(seen) => self.wait(&seen, &mut clock, &mut news).await?,
                Err(error) if is_away(&error) && !clock.is_over() => {
                    self.tell_away(error);
                    news.wait().await;
                }
                Err(error) => return Err(error),
            }
            looked = self.look().await;
        }
    }

    fn is_enough(&self, seen: &Seen, wanted: Stage, clock: &Clock) -> bool {
        let stage = seen.stage(&self.desired.pod_cidrs);
        let enough = stage >= wanted && !clock.is_doubtful(seen);
        if enough {
            self.opened.session.done("proof", stage.word());
        }
        enough
    }

    async fn wait(&self, seen: &Seen, clock: &mut Clock, news: &mut News<'_>) -> Result<()> {
        if clock.should_ask(seen, &self.desired.pod_cidrs) {
            clock.is_sure |= clock.is_doubtful(seen);
            clock.asked = Instant::now();
            return match self.opened.network.repair(Repair::Refresh).await {
                // The next look tells of it.
                Err(error) if is_away(&error) => Ok(()),
                other => other,
            };
        }
        self.tell_wait(seen);
        news.wait().await;
        Ok(())
    }

    async fn look(&self) -> Result<Seen> {
        self.glance(self.opened.network.observe().await?).await
    }

    /// Probes only where the stage that is waited for needs it.
    async fn glance(&self, mut observed: Observed) -> Result<Seen> {
        if self.settings.wait.value.is_none_or(|wanted| wanted < Stage::Served) {
            return Ok(Seen { observed, verdict: None });
        }
        let state = self.opened.session.network_state()?;
        let verdict = probing::glance(&state, &self.directories, &observed).await;
        if let Some(verdict) = &verdict {
            judge::believe_packets(&mut observed, &self.desired.pod_cidrs, verdict);
        }
        Ok(Seen { observed, verdict })
    }

    /// No more is to come: looks for the causes, at the control server and here. What the one
    /// answers shows in what is observed then.
    async fn look_closer(&self) -> Result<Seen> {
        let state = self.opened.session.network_state()?;
        let told = self.opened.network.diagnose().await;
        let mut observed = self.opened.network.observe().await?;
        let verdict = probing::prove(&state, &self.directories, &observed).await;
        match &verdict {
            Some(verdict) => {
                judge::believe_packets(&mut observed, &self.desired.pod_cidrs, verdict);
            }
            None => observed.findings.push(unprobed::finding(&state, &self.directories)),
        }
        observed.findings.extend(told);
        Ok(Seen { observed, verdict })
    }

    fn tell_wait(&self, seen: &Seen) {
        let state = match waiting_for(&seen.observed, &self.desired.pod_cidrs) {
            Some(reason) => StepState::Pending { reason, url: None },
            None => StepState::Running,
        };
        let text = match seen.outcome() {
            Some(Outcome::Unproven) => "waiting for an answer from another node's pod network",
            Some(Outcome::Proven | Outcome::Alone | Outcome::Unknown) | None => {
                "waiting for the routes to be served"
            }
        };
        self.tell_proof(text, state);
    }

    fn tell_away(&self, error: Error) {
        let state = StepState::Pending { reason: error.what, url: None };
        self.tell_proof("waiting for the VPN's daemon to come back", state);
    }

    fn tell_proof(&self, text: &str, state: StepState) {
        self.opened.session.tell(Step { id: "proof".into(), text: text.into(), state });
    }
}

fn is_away(error: &Error) -> bool {
    error.kind == ErrorKind::Unavailable
}

/// Whether the control server wants a new login: waiting brings none.
fn is_put_out(seen: &Seen) -> bool {
    !seen.observed.up && seen.observed.control == Control::LoginNeeded
}

/// Who must act before the routes are served, where that is for certain somebody.
fn waiting_for(observed: &Observed, pod_cidrs: &[IpNet]) -> Option<String> {
    let wanted = observed.routes.iter().filter(|route| pod_cidrs.contains(&route.prefix));
    wanted.into_iter().find_map(|route| match route.stage {
        RouteStage::Unapproved => Some(format!("{} needs approval", route.prefix)),
        RouteStage::Hidden => Some(format!("policy hides {} from every peer", route.prefix)),
        RouteStage::Withheld => {
            Some(format!("{} needs approval, or policy hides it", route.prefix))
        }
        RouteStage::Advertised | RouteStage::Standby | RouteStage::Served => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::example;
    use crate::proof::Between;

    fn seen(outcome: Option<Outcome>) -> Seen {
        let verdict = outcome.map(|outcome| Verdict {
            outcome,
            between: Between::Pods,
            peers: vec![],
            findings: vec![],
        });
        Seen { observed: example::observed(), verdict }
    }

    #[test]
    fn a_node_that_sees_nobody_asks_once_whether_it_is_known() {
        let now = Instant::now();
        let mut clock = Clock { deadline: now, asked: now, is_sure: false };
        assert!(clock.should_ask(&seen(Some(Outcome::Alone)), &[]));
        assert!(!clock.should_ask(&seen(Some(Outcome::Proven)), &[]));
        assert!(!clock.should_ask(&seen(None), &[]));
        clock.is_sure = true;
        assert!(!clock.should_ask(&seen(Some(Outcome::Alone)), &[]));
    }

    #[test]
    fn a_node_that_is_put_out_is_not_waited_for() {
        let mut seen = seen(None);
        assert!(!is_put_out(&seen));
        seen.observed.control = Control::LoginNeeded;
        seen.observed.up = false;
        assert!(is_put_out(&seen));
    }
}
