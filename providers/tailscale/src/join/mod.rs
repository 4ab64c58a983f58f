//! Becoming a member.

mod failure;
mod identity;
mod login;
mod progress;
mod situation;
mod wait;

use std::time::Duration;

use provider_api::{
    Enrolment, Error, ErrorKind, Finding, Ledger, LedgerEntry, Membership, Result, Step, StepState,
};
use serde_json::json;
use tokio::time::{Instant, sleep};

pub(crate) use identity::About;
pub(crate) use login::{login_entry, unfinished};
pub(crate) use situation::{Login, Situation, situation};

use crate::client::ClientError;
use crate::network::{Tailscale, health};
use crate::prefs::{ENROLMENT, LOGIN, hold};
use crate::settings::key;

/// How often a daemon that is away is looked for; its socket gives no sign.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// An attempt that ended early.
#[derive(Debug)]
enum Ended {
    /// The daemon did not answer as it should; perhaps it went away.
    Daemon(ClientError),
    /// For good.
    Failed(Error),
    /// For now: somebody must act, and what was begun stands until then.
    Waiting(Error),
    /// The node needs something else than we thought; the error is for want of time.
    Anew(Error),
}

impl From<ClientError> for Ended {
    fn from(error: ClientError) -> Self {
        Ended::Daemon(error)
    }
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Ended::Failed(error)
    }
}

impl Tailscale {
    /// Joins; a daemon that is away, or goes away on the way, has until the deadline to come
    /// back.
    pub(crate) async fn join_until_deadline(&self) -> Result<Membership> {
        let deadline = Instant::now() + self.settings.join_deadline;
        loop {
            match self.attempt(deadline).await {
                Ok(membership) => return Ok(membership),
                Err(Ended::Failed(error) | Ended::Waiting(error)) => return Err(error),
                Err(Ended::Anew(error)) if Instant::now() >= deadline => return Err(error),
                Err(Ended::Anew(_)) => {}
                Err(Ended::Daemon(error)) => self.wait_for_daemon(error, deadline).await?,
            }
        }
    }

    async fn attempt(&self, deadline: Instant) -> Result<Membership, Ended> {
        self.finish_toggle::<Ended>().await?;
        let (status, prefs) = self.own().await?;
        let mut ledger = self.ledger_of(&self.identity().await?).await?;
        if self.has_lost_its_state(&status) {
            if self.host.secret(key::JOIN_KEY).await?.is_none() {
                return Err(state_lost().into());
            }
            // Nobody put the node out: it joins as it did at first.
            ledger.enrolment = None;
        }
        let needs = situation(&status, &prefs, &ledger, &self.settings)?;
        tracing::debug!(state = ?status.backend_state, ?needs, "join");
        match needs {
            Situation::Member => {}
            Situation::Wait => self.wait_for_others(&status, &prefs, deadline).await?,
            Situation::Wake => self.wake(&ledger, deadline).await?,
            Situation::Login(login) => self.log_in(login, &status, prefs, deadline).await?,
        }
        let enrolment = self.enrolled().await?;
        let membership = self.membership(enrolment, deadline).await?;
        self.host.progress(Step::done("join", format!("joined as {}", membership.name)));
        Ok(membership)
    }

    /// Switches an enrolled node on.
    async fn wake(&self, ledger: &Ledger, deadline: Instant) -> Result<(), Ended> {
        let mut news = self.api.watch_login().await?;
        let prefs = self.api.prefs().await?;
        let on = [("WantRunning".to_owned(), json!(true))].into();
        let prefs = self.carry_out(prefs.clone(), hold(&prefs, ledger, &on)).await?;
        self.wait_for_membership(&mut news, &prefs, None, deadline).await
    }

    /// Who enrolled the node: the first to have done so stands.
    async fn enrolled(&self) -> Result<Enrolment, Ended> {
        let ledger = self.host.ledger().await?;
        let identity = self.identity().await?.recorded();
        let by = ledger.enrolment.unwrap_or_else(|| enrolled_by(&ledger));
        if ledger.enrolment.is_none() || ledger.identity != identity {
            self.host.record(LedgerEntry::Enrolled { by, identity }).await?;
        }
        if ledger.settings.get(LOGIN).is_some_and(|login| !login.restored) {
            self.host.record(LedgerEntry::Restored { name: LOGIN.to_owned() }).await?;
        }
        Ok(by)
    }

    /// Waits until the daemon answers again.
    async fn wait_for_daemon(&self, gone: ClientError, deadline: Instant) -> Result<()> {
        if !gone.cause.is_gone() {
            return Err(gone.into());
        }
        let text = format!("waiting for tailscaled to listen on {}", gone.socket.display());
        self.host.progress(Step {
            id: "daemon".to_owned(),
            text,
            state: StepState::Pending {
                reason: "tailscaled must be started: systemctl start tailscaled".to_owned(),
                url: None,
            },
        });
        let mut gone = gone;
        while Instant::now() < deadline {
            match self.api.own_status().await {
                Ok(_) => {
                    self.host.progress(Step::done("daemon", "tailscaled answers"));
                    return Ok(());
                }
                Err(error) if error.cause.is_gone() => gone = error,
                Err(error) => return Err(error.into()),
            }
            sleep(LOOK_AGAIN).await;
        }
        Err(gone.into())
    }
}

fn state_lost() -> Error {
    let Finding { code, what, fix, .. } = health::state_lost();
    Error { fix, ..Error::new(ErrorKind::Denied, code, what) }
}

fn enrolled_by(ledger: &Ledger) -> Enrolment {
    let by_us = ledger.settings.get(ENROLMENT).is_some_and(|login| !login.restored);
    if by_us { Enrolment::Ours } else { Enrolment::Adopted }
}
