//! Taking back what is ours, and no more.

use provider_api::{Enrolment, Error, ErrorKind, Leave, Ledger, LedgerEntry, Result, Step};

use super::Tailscale;
use super::apply::{held, translates};
use crate::client::{Cause, ClientError};
use crate::guard::Snat;
use crate::join::{About, login_entry, unfinished};
use crate::prefs::{APART, ENROLMENT, Prefs, RULES, TOGGLE, Want, diff, settle};

/// What a restored login does not bring back: they are the login.
const OF_THE_LOGIN: [&str; 2] = ["WantRunning", "LoggedOut"];

impl Tailscale {
    /// Preferences first, then the guards that they needed, then the login.
    pub(super) async fn leave_all(&self, how: Leave) -> Result<()> {
        let ledger = self.host.ledger().await?;
        match self.identity().await {
            Ok(identity) if identity.compare(&ledger)? == About::Another => {
                self.leave_to_others(&ledger).await
            }
            Ok(_) => self.take_back(how).await,
            Err(error) if error.cause == Cause::Absent => {
                self.leave_without_daemon(how, &ledger, error).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn take_back(&self, how: Leave) -> Result<()> {
        self.finish_toggle::<Error>().await?;
        self.take_back_login().await?;
        let (status, prefs) = self.own().await?;
        let ledger = self.host.ledger().await?;
        if how == Leave::Unfinished && ledger.enrolment.is_some() {
            return Ok(());
        }
        let settlement = settle(&prefs, &ledger, &Want::default());
        self.carry_out(prefs, settlement).await?;
        self.remove_guards(&ledger).await?;
        if ledger.enrolment == Some(Enrolment::Ours) {
            if how != Leave::Logout {
                return Ok(());
            }
            self.log_out(status.have_node_key, &ledger).await?;
        }
        self.host.record(LedgerEntry::Left).await
    }

    /// Ends a login that never came to its end.
    async fn take_back_login(&self) -> Result<()> {
        let ledger = self.host.ledger().await?;
        let Some(before) = unfinished(&ledger) else { return Ok(()) };
        self.api.start(Some(&before), None).await?;
        let name = login_entry(&ledger).to_owned();
        self.host.record(LedgerEntry::Restored { name }).await
    }

    /// The login that the ledger is about is gone, and its preferences with it.
    async fn leave_to_others(&self, ledger: &Ledger) -> Result<()> {
        let text = "somebody else has logged this node in since; its login is left as it is";
        self.host.progress(Step::done("logout", text));
        self.remove_guards(ledger).await?;
        self.host.record(LedgerEntry::Left).await
    }

    /// Takes down what needs no daemon. The rest waits for it, unless the operator asks for no
    /// more than that.
    async fn leave_without_daemon(
        &self,
        how: Leave,
        ledger: &Ledger,
        absent: ClientError,
    ) -> Result<()> {
        if how == Leave::Unfinished {
            return Err(absent.into());
        }
        self.remove_guards(ledger).await?;
        let remains = remains(ledger);
        if how == Leave::Logout && !remains.is_empty() {
            return Err(daemon_away(&absent.into(), &remains));
        }
        if !remains.is_empty() {
            let text = format!("tailscaled is away, and keeps {}", remains.join(", "));
            self.host.progress(Step::done("tailscaled", text));
        }
        self.host.record(LedgerEntry::Left).await
    }

    async fn remove_guards(&self, ledger: &Ledger) -> Result<()> {
        self.guard(&[]).await?;
        if held(ledger, RULES).is_some() {
            self.host.record(LedgerEntry::Restored { name: RULES.to_owned() }).await?;
        }
        if translates(ledger) {
            return self.stop_translating().await;
        }
        // A table whose record was lost; where there is no `nft` there is no table.
        drop(Snat::table().delete().await);
        Ok(())
    }

    /// Logs out, and gives back the preferences that were there before the login: logging out
    /// resets them all.
    async fn log_out(&self, is_logged_in: bool, ledger: &Ledger) -> Result<()> {
        if is_logged_in {
            self.host.progress(Step::begin("logout", "logging out of the tailnet"));
            self.api.logout().await.map_err(not_logged_out)?;
            self.host.progress(Step::done("logout", "logged out of the tailnet"));
        }
        let Some(before) = before_login(ledger) else { return Ok(()) };
        let mut changes = diff(&self.api.prefs().await?, &before);
        changes.retain(|change| !OF_THE_LOGIN.contains(&change.name.as_str()));
        if !changes.is_empty() {
            self.api.change(&changes).await?;
        }
        Ok(())
    }
}

/// What a daemon that is away still has of us, in its own words.
fn remains(ledger: &Ledger) -> Vec<String> {
    let settings = ledger.settings.iter().filter(|(_, setting)| !setting.restored);
    let is_told = |name: &str| name == TOGGLE || !APART.contains(&name);
    let mut remains: Vec<String> =
        settings.filter(|(name, _)| is_told(name)).map(|(name, _)| name.clone()).collect();
    remains.extend(ledger.routes.iter().map(|route| format!("the route {route}")));
    remains.extend((ledger.enrolment == Some(Enrolment::Ours)).then(|| "its login".to_owned()));
    remains
}

fn daemon_away(absent: &Error, remains: &[String]) -> Error {
    let what = format!(
        "{}; the ip rules and tables are taken down, and it keeps {}",
        absent.what,
        remains.join(", ")
    );
    Error::unavailable(absent.code.clone(), what).fix(
        "systemctl start tailscaled, then moorline leave\n\
         where tailscaled is gone for good: moorline leave --keep-enrolled",
    )
}

fn not_logged_out(error: ClientError) -> Error {
    // What the daemon passes on here is how its control server could not be asked.
    let is_away = matches!(error.cause, Cause::Rejected(_));
    let error = Error::from(error);
    let kind = if is_away { ErrorKind::Unavailable } else { error.kind };
    let what = format!(
        "the routes and settings are taken back, and the node could not be logged out: {}",
        error.what
    );
    Error::new(kind, "logout-failed", what).fix(
        "once the control server can be reached: moorline leave\n\
         to leave without it: moorline leave --keep-enrolled, and delete the node there",
    )
}

fn before_login(ledger: &Ledger) -> Option<Prefs> {
    let login = ledger.settings.get(ENROLMENT).filter(|login| !login.restored)?;
    serde_json::from_value(login.was.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_daemon_that_is_away_keeps_is_named() {
        let mut ledger = Ledger::default();
        assert!(remains(&ledger).is_empty());
        for name in [ENROLMENT, RULES, "NoSNAT", "RouteAll"] {
            let (name, was, made) = (name.to_owned(), json!(false), json!(true));
            ledger.enter(LedgerEntry::Changing { name, was, made });
        }
        ledger.enter(LedgerEntry::Restored { name: "RouteAll".to_owned() });
        ledger.enter(LedgerEntry::Advertising("10.42.1.0/24".parse().unwrap()));
        let by = Enrolment::Ours;
        ledger.enter(LedgerEntry::Enrolled { by, identity: json!(null) });
        assert_eq!(remains(&ledger), ["NoSNAT", "the route 10.42.1.0/24", "its login"]);

        let absent = Error::unavailable("tailscaled-absent", "no tailscaled listens");
        let error = daemon_away(&absent, &remains(&ledger));
        assert_eq!(
            (error.kind, error.code.as_str()),
            (ErrorKind::Unavailable, "tailscaled-absent")
        );
        assert!(error.what.ends_with("it keeps NoSNAT, the route 10.42.1.0/24, its login"));
        assert!(error.fix.is_some_and(|fix| fix.contains("moorline leave --keep-enrolled")));
    }

    #[test]
    fn a_logout_that_fails_names_the_way_without_it() {
        let cause = Cause::Rejected("fetch control key: connection refused".to_owned());
        let away = ClientError { call: "logout", socket: "/run/a.sock".into(), cause };
        let error = not_logged_out(away);
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "logout-failed"));
        assert!(error.what.contains("fetch control key: connection refused"));
        assert!(error.fix.is_some_and(|fix| fix.contains("moorline leave --keep-enrolled")));
    }
}
