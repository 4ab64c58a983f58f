//! The login itself: join first, advertise after.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use provider_api::{
    Enrolment, Error, ErrorKind, Ledger, LedgerEntry, Result, RouteMode, Secret, Step,
};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::Ended;
use super::progress::Waiting;
use super::situation::Login;
use crate::client::{ClientError, Notifications, Status};
use crate::network::{Tailscale, asked};
use crate::prefs::{ENROLMENT, LOGIN, Prefs, changed, hold};
use crate::settings::key;

/// How long a daemon may take to forget an earlier login.
const SILENCE: Duration = Duration::from_secs(3);

/// A login, prepared.
struct Prepared {
    login: Login,
    key: Secret,
    /// The preferences to log in with.
    prefs: Prefs,
    /// The preferences to go back to if it fails.
    before: Prefs,
    /// What is recorded for it, and what of that is new in the ledger.
    entries: Vec<LedgerEntry>,
    new: Vec<String>,
}

impl Tailscale {
    pub(super) async fn log_in(
        &self,
        login: Login,
        status: &Status,
        prefs: Prefs,
        deadline: Instant,
    ) -> Result<(), Ended> {
        let Some(key) = self.host.secret(key::JOIN_KEY).await? else {
            return self.wait_for_somebody(status, &prefs, deadline).await;
        };
        let ledger = self.host.ledger().await?;
        let prepared = self.prepare(login, key, &prefs, &ledger);
        check_kind(&prepared)?;
        self.api.check(&prepared.prefs).await?;
        let mut news = self.fresh_news(deadline).await?;
        self.record(prepared.entries.clone()).await?;
        match self.send(&prepared, status, &mut news, deadline).await {
            Err(Ended::Failed(error)) => {
                self.give_up(&prepared).await;
                Err(without(&prepared.key, error).into())
            }
            // A start that is refused has cut the daemon off already (`ipnlocal/local.go:3023`).
            Err(Ended::Daemon(error)) if !error.cause.is_gone() => {
                self.give_up(&prepared).await;
                Err(error.into())
            }
            other => other,
        }
    }

    /// Without a key only somebody who logs the node in by hand can help.
    async fn wait_for_somebody(
        &self,
        status: &Status,
        prefs: &Prefs,
        deadline: Instant,
    ) -> Result<(), Ended> {
        if status.auth_url.is_empty() {
            return Err(no_key().into());
        }
        let mut news = self.api.watch_login().await?;
        self.tell(Waiting::for_login(&status.auth_url));
        self.wait_for_membership(&mut news, prefs, Some(Login::Again), deadline).await
    }

    fn prepare(&self, login: Login, key: Secret, now: &Prefs, ledger: &Ledger) -> Prepared {
        let before = unfinished(ledger).unwrap_or_else(|| now.clone().without_identity());
        let settlement = hold(now, ledger, &self.login_settings(ledger));
        let mut prefs = changed(now, &settlement.changes).without_identity();
        prefs = prefs.with("WantRunning", json!(true));
        match (&self.settings.control, login) {
            (Some(server), _) => prefs = prefs.with("ControlURL", json!(server.as_str())),
            // What an earlier attempt of somebody left there must not see the key.
            (None, Login::First) => prefs = prefs.with("ControlURL", json!("")),
            (None, Login::Again) => {}
        }
        let mut entries = settlement.before;
        let (name, was) = (login_entry(ledger).to_owned(), json!(before));
        entries.push(LedgerEntry::Changing { name, made: was.clone(), was });
        let new = newly_changed(&entries, ledger);
        Prepared { login, key, prefs, before, entries, new }
    }

    /// The preferences that a login carries; the rest needs a member.
    fn login_settings(&self, ledger: &Ledger) -> BTreeMap<String, Value> {
        let enrolment = ledger.enrolment.unwrap_or(Enrolment::Ours);
        asked::settings(RouteMode::Underlay, enrolment, &self.settings)
    }

    /// Subscribes; a daemon that still tries somebody's earlier key is made to stop, so that
    /// its errors are not taken for ours.
    async fn fresh_news(&self, deadline: Instant) -> Result<Notifications, ClientError> {
        let mut news = self.api.watch_login().await?;
        let until = deadline.min(Instant::now() + SILENCE);
        let mut stopped = false;
        while let Ok(Some(message)) = timeout_at(until, news.next()).await {
            match message?.health {
                None if stopped => {}
                Some(health) if health.login_error().is_some() => {
                    if !stopped {
                        self.api.start(None, None).await?;
                    }
                    stopped = true;
                }
                None | Some(_) => break,
            }
        }
        Ok(news)
    }

    async fn send(
        &self,
        prepared: &Prepared,
        status: &Status,
        news: &mut Notifications,
        deadline: Instant,
    ) -> Result<(), Ended> {
        let server = prepared.prefs.shown_server();
        self.host.progress(Step::begin("login", format!("logging in at {server}")));
        self.api.start(Some(&prepared.prefs), Some(&prepared.key)).await?;
        if !status.have_node_key {
            self.api.login().await?;
        }
        self.wait_for_membership(news, &prepared.prefs, Some(prepared.login), deadline).await?;
        self.host.progress(Step::done("login", format!("logged in at {server}")));
        Ok(())
    }

    /// Ends the daemon's endless attempts and takes the preferences back. What fails here is
    /// logged: the reason of the login's failure matters more.
    async fn give_up(&self, prepared: &Prepared) {
        if let Err(error) = self.api.start(Some(&prepared.before), None).await {
            tracing::warn!(%error, "the failed login could not be taken back");
            return;
        }
        let restored = |name: &String| LedgerEntry::Restored { name: name.clone() };
        if let Err(error) = self.record(prepared.new.iter().map(restored).collect()).await {
            tracing::warn!(%error, "the ledger could not be written");
        }
    }
}

/// The preferences before a login of ours that was cut short, by a crash.
pub(crate) fn unfinished(ledger: &Ledger) -> Option<Prefs> {
    let login = ledger.settings.get(login_entry(ledger)).filter(|login| !login.restored)?;
    serde_json::from_value(login.was.clone()).ok()
}

/// Where the ledger keeps what was before a login. The first one's stands until the node is
/// logged out, a later one's until that login has come to its end.
pub(crate) fn login_entry(ledger: &Ledger) -> &'static str {
    if ledger.enrolment.is_none() { ENROLMENT } else { LOGIN }
}

/// The settings among these entries that the ledger does not hold as changed yet.
fn newly_changed(entries: &[LedgerEntry], ledger: &Ledger) -> Vec<String> {
    let held = |name: &str| ledger.settings.get(name).is_some_and(|setting| !setting.restored);
    entries
        .iter()
        .filter_map(|entry| {
            if let LedgerEntry::Changing { name, .. } = entry { Some(name.clone()) } else { None }
        })
        .filter(|name| !held(name) || [ENROLMENT, LOGIN].contains(&name.as_str()))
        .collect()
}

/// Keys that tailscaled would send as they are, and that this control server must not see or
/// would not take.
fn check_kind(prepared: &Prepared) -> Result<()> {
    let at_tailscale = || prepared.prefs.belongs_to_tailscale();
    let (what, fix) = match prepared.key.expose() {
        key if key.starts_with("hskey-auth-") && at_tailscale() => (
            "joinKey holds a key of headscale, and the control server would be Tailscale's own",
            "name yours: controlServerURL=https://headscale.example.com",
        ),
        key if key.starts_with("tskey-client-") => (
            "joinKey holds an OAuth client's secret, and tailscaled takes auth keys only",
            "mint an auth key with it, tagged, and put that into joinKey",
        ),
        key if key.starts_with("tskey-api-") || key.starts_with("hskey-api-") => (
            "joinKey holds an API key, not an auth key",
            "the API key goes into controlAPIKey; put an auth key into joinKey",
        ),
        key if key.trim().is_empty() => ("joinKey is empty", "joinKey=file:PATH"),
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::Auth, "auth-key-kind", what).fix(fix))
}

fn no_key() -> Error {
    let what = "this node is not enrolled, and no joinKey is set";
    Error::new(ErrorKind::Auth, "auth-key-missing", what).fix(
        "make an auth key and name it in --vpn-auth: joinKey=file:/etc/moorline/key\n\
         headscale: headscale preauthkeys create --user ID --reusable --expiration 1h\n\
         Tailscale: https://login.tailscale.com/admin/settings/keys\n\
         or log in by hand first: tailscale up --login-server=URL",
    )
}

/// The error without the key, should the control server have repeated it.
fn without(key: &Secret, error: Error) -> Error {
    let clean = |text: String| text.replace(key.expose(), "[redacted]");
    Error { what: clean(error.what), fix: error.fix.map(clean), ..error }
}
