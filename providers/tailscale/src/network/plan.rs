//! What would change, without changing anything.

use provider_api::{Change, Desired, Enrolment, Ledger, Plan, Result};
use serde_json::Value;

use super::Tailscale;
use super::apply::{Decision, is_translating, translates};
use crate::client::Status;
use crate::guard::{RULE_PRIORITY, Snat};
use crate::join::{About, Login, Situation, situation};
use crate::prefs::{OWNED, PrefChange, Prefs};

impl Tailscale {
    pub(super) async fn plan_all(&self, want: &Desired) -> Result<Plan> {
        let (status, prefs) = tokio::try_join!(self.api.status(), self.api.prefs())?;
        let mut ledger = self.host.ledger().await?;
        if self.identity().await?.compare(&ledger)? == About::Another {
            ledger = Ledger::default();
        }
        let needs = situation(&status, &prefs, &ledger, &self.settings)?;
        if matches!(needs, Situation::Login(_)) {
            ledger.enrolment.get_or_insert(Enrolment::Ours);
        }
        let mut changes: Vec<Change> =
            self.login_change(needs, &status, &prefs).into_iter().collect();
        let decision = self.decide_for(want, &status, prefs, ledger).await?;
        changes.extend(guard_changes(&decision).await?);
        changes.extend(
            decision.settlement.changes.iter().map(|change| shown(change, &decision.ledger)),
        );
        Ok(Plan { changes })
    }

    fn login_change(&self, needs: Situation, status: &Status, prefs: &Prefs) -> Option<Change> {
        let change = |to: &str, why: &str| Change {
            subject: "tailnet".to_owned(),
            from: format!("{:?}", status.backend_state),
            to: to.to_owned(),
            why: why.to_owned(),
        };
        match needs {
            Situation::Member => None,
            Situation::Wait => Some(change("Running", "once tailscaled is ready")),
            Situation::Wake => Some(change("Running", "tailscale is switched off")),
            Situation::Login(login) => {
                let server = self.settings.control.as_ref().map(ToString::to_string);
                let server = server.unwrap_or_else(|| match login {
                    Login::First => Prefs::default().shown_server(),
                    Login::Again => prefs.shown_server(),
                });
                Some(change(&format!("logged in at {server}"), "with the joinKey"))
            }
        }
    }
}

async fn guard_changes(decision: &Decision) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let there = linux::Netlink::open().map_err(super::interface::kernel)?;
    let there = there.rules().await.map_err(super::interface::kernel)?;
    let ours = |priority| priority == RULE_PRIORITY;
    for rule in &decision.rules {
        if !there.iter().any(|listed| listed.ours && &listed.rule == rule) {
            changes.push(plain("ip rule", "", &rule.to_string(), "keeps this network in main"));
        }
    }
    for listed in there.iter().filter(|listed| listed.ours && ours(listed.rule.priority)) {
        if !decision.rules.contains(&listed.rule) {
            changes.push(plain("ip rule", &listed.rule.to_string(), "", "no longer needed"));
        }
    }
    let table = Snat::table().to_string();
    let why = "your own routes keep their source translation";
    match &decision.snat {
        Some(snat) if !is_translating(snat).await? => {
            changes.push(plain("nftables", "", &table, why));
        }
        None if translates(&decision.ledger) => changes.push(plain("nftables", &table, "", "")),
        Some(_) | None => {}
    }
    Ok(changes)
}

fn shown(change: &PrefChange, ledger: &Ledger) -> Change {
    let subject = format!("tailscaled {}", change.name);
    plain(&subject, &value(&change.from), &value(&change.to), why(change, ledger))
}

fn why(change: &PrefChange, ledger: &Ledger) -> &'static str {
    if let Some(owned) = OWNED.iter().find(|owned| owned.name == change.name) {
        return owned.why;
    }
    let was = ledger.settings.get(&change.name).filter(|setting| !setting.restored);
    match change.name.as_str() {
        "AdvertiseRoutes" => "this node's pods, and extraArgs",
        _ if was.is_some_and(|setting| setting.was == change.to) => "as it was before",
        "Hostname" => "this node's name",
        _ => "extraArgs",
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "unset".to_owned(),
        Value::String(text) => format!("\"{text}\""),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            other.to_string()
        }
    }
}

fn plain(subject: &str, from: &str, to: &str, why: &str) -> Change {
    let own = str::to_owned;
    Change { subject: own(subject), from: own(from), to: own(to), why: own(why) }
}
