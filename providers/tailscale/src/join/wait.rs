//! Waiting for the daemon to say that the node is a member.

use std::time::Duration;

use futures_util::StreamExt;
use provider_api::{Step, StepState};
use tokio::time::{Instant, sleep_until};

use super::Ended;
use super::progress::{Progress, Verdict, Waiting};
use super::situation::{Login, Situation, situation};
use crate::client::{ClientError, Notifications, State, Status};
use crate::network::Tailscale;
use crate::prefs::Prefs;

/// The daemon says nothing when the control server has confirmed a node that it knew before.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

impl Tailscale {
    /// Waits where only time or somebody else can help.
    pub(super) async fn wait_for_others(
        &self,
        status: &Status,
        prefs: &Prefs,
        deadline: Instant,
    ) -> Result<(), Ended> {
        let mut news = self.api.watch_login().await?;
        if status.backend_state == State::NeedsMachineAuth {
            self.tell(Waiting::for_approval());
        }
        self.wait_for_membership(&mut news, prefs, None, deadline).await
    }

    /// Waits until the node is a member, or until it is clear that it will not be. After a
    /// login of a node that had a key, being a member takes the control server's word too.
    pub(super) async fn wait_for_membership(
        &self,
        news: &mut Notifications,
        prefs: &Prefs,
        login: Option<Login>,
        deadline: Instant,
    ) -> Result<(), Ended> {
        let mut progress = Progress::new(&prefs.shown_server());
        let mut looking = false;
        loop {
            let look = looking.then(|| Instant::now() + LOOK_AGAIN);
            let until = look.map_or(deadline, |look| look.min(deadline));
            match next(news, &mut progress, until).await? {
                Verdict::Wait => {}
                Verdict::Look => looking = true,
                Verdict::Tell(waiting) => match login {
                    None if self.needs_login().await? => return Err(Ended::Anew(waiting.error())),
                    None | Some(_) => self.tell(waiting),
                },
                Verdict::Failed(error) => return Err(error.into()),
            }
            if looking && is_settled(&self.api.own_status().await?, login) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(progress.out_of_time());
            }
        }
    }

    /// Whether time alone does not help any more. A daemon that has just started knows only
    /// after a while that its control server wants a new login.
    async fn needs_login(&self) -> Result<bool, Ended> {
        let (status, prefs) = self.own().await?;
        let ledger = self.host.ledger().await?;
        let needs = situation(&status, &prefs, &ledger, &self.settings);
        Ok(!matches!(needs, Ok(Situation::Wait | Situation::Wake)))
    }

    pub(super) fn tell(&self, waiting: Waiting) {
        let Waiting { reason, url, .. } = waiting;
        self.host.progress(Step {
            id: "login".to_owned(),
            text: "waiting for somebody to act".to_owned(),
            state: StepState::Pending { reason, url },
        });
    }
}

/// What the next message means, or the passing of time where none comes.
async fn next(
    news: &mut Notifications,
    progress: &mut Progress,
    until: Instant,
) -> Result<Verdict, ClientError> {
    let patience = progress.patience_ends().map_or(until, Instant::from_std);
    let now = || Instant::now().into_std();
    tokio::select! {
        message = news.next() => match message.transpose()? {
            Some(message) => Ok(progress.hear(&message, now())),
            None => Ok(Verdict::Wait),
        },
        () = sleep_until(until.min(patience)) => {
            Ok(progress.failed(now()).map_or(Verdict::Wait, Verdict::Failed))
        }
    }
}

/// Whether the node is a member for certain.
fn is_settled(status: &Status, login: Option<Login>) -> bool {
    let confirmed = status.this.as_ref().is_some_and(|this| this.online);
    status.backend_state.is_member()
        && !status.addresses().is_empty()
        && !status.is_expired()
        && !status.is_disowned()
        && (login != Some(Login::Again) || confirmed)
}
