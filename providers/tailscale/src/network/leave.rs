//! Taking back what is ours, and no more.

use provider_api::{Enrolment, Leave, Ledger, LedgerEntry, Result, Step};

use super::Tailscale;
use super::apply::{set_rules, translates};
use crate::guard::Snat;
use crate::prefs::{ENROLMENT, Prefs, Want, diff, settle};

/// What a restored login does not bring back: they are the login.
const OF_THE_LOGIN: [&str; 2] = ["WantRunning", "LoggedOut"];

impl Tailscale {
    /// Preferences first, then the guards that they needed, then the login.
    pub(super) async fn leave_all(&self, how: Leave) -> Result<()> {
        let (status, prefs) = self.own().await?;
        let ledger = self.host.ledger().await?;
        let settlement = settle(&prefs, &ledger, &Want::default());
        self.carry_out(prefs, settlement).await?;
        self.remove_guards(&ledger).await?;
        match ledger.enrolment {
            None => self.forget_unfinished(&ledger).await?,
            Some(Enrolment::Adopted) => {}
            Some(Enrolment::Ours) if how == Leave::Withdraw => return Ok(()),
            Some(Enrolment::Ours) => self.log_out(status.have_node_key, &ledger).await?,
        }
        self.host.record(LedgerEntry::Left).await
    }

    async fn remove_guards(&self, ledger: &Ledger) -> Result<()> {
        set_rules(&[]).await?;
        if translates(ledger) {
            return self.stop_translating().await;
        }
        // A table whose record was lost; where there is no `nft` there is no table.
        drop(Snat::table().delete().await);
        Ok(())
    }

    /// Ends a login that never came to its end.
    async fn forget_unfinished(&self, ledger: &Ledger) -> Result<()> {
        match before_login(ledger) {
            Some(before) => Ok(self.api.start(Some(&before), None).await?),
            None => Ok(()),
        }
    }

    /// Logs out, and gives back the preferences that were there before the login: logging out
    /// resets them all.
    async fn log_out(&self, is_logged_in: bool, ledger: &Ledger) -> Result<()> {
        if is_logged_in {
            self.host.progress(Step::begin("logout", "logging out of the tailnet"));
            self.api.logout().await?;
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

fn before_login(ledger: &Ledger) -> Option<Prefs> {
    let login = ledger.settings.get(ENROLMENT).filter(|login| !login.restored)?;
    serde_json::from_value(login.was.clone()).ok()
}
