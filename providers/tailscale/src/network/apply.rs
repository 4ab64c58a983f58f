//! Making the desired state true.

use ipnet::IpNet;
use linux::rule::Rule;
use linux::{Netlink, nftables};
use provider_api::{
    Desired, Enrolment, Error, Ledger, LedgerEntry, OwnedSetting, Result, RouteMode, Step,
};
use serde_json::{Value, json};

use super::interface::kernel;
use super::{Tailscale, asked};
use crate::client::Status;
use crate::guard::{RULE_PRIORITY, Snat, protected};
use crate::prefs::{Prefs, RULES, Settlement, TRANSLATION, changed, settle};

/// Everything that is to be so, decided.
pub(super) struct Decision {
    /// The preferences now.
    pub(super) prefs: Prefs,
    /// What to change of them.
    pub(super) settlement: Settlement,
    /// The ip rules to have.
    pub(super) rules: Vec<Rule>,
    /// The source translation to have.
    pub(super) snat: Option<Snat>,
    /// What was recorded before.
    pub(super) ledger: Ledger,
}

impl Tailscale {
    /// Asks whether the daemon would take it all, before anything is recorded or changed. Then
    /// guards first and preferences after, so that no moment is without them; last goes what is
    /// not needed any more, and what somebody took from the kernel is written again.
    pub(super) async fn apply_all(&self, want: &Desired) -> Result<()> {
        self.finish_toggle::<Error>().await?;
        let decision = self.decide(want).await?;
        let Decision { prefs, settlement, rules, snat, ledger } = decision;
        if !settlement.changes.is_empty() {
            self.api.check(&changed(&prefs, &settlement.changes)).await?;
        }
        self.guard(&rules).await?;
        self.translate(snat.as_ref()).await?;
        let done = told(&settlement);
        self.carry_out(prefs, settlement).await?;
        done.into_iter().for_each(|step| self.host.progress(step));
        if snat.is_none() && translates(&ledger) {
            self.stop_translating().await?;
        }
        self.rewrite_peer_routes().await
    }

    pub(super) async fn decide(&self, want: &Desired) -> Result<Decision> {
        let (status, prefs) = tokio::try_join!(self.api.status(), self.api.prefs())?;
        let ledger = self.host.ledger().await?;
        self.decide_for(want, &status, prefs, ledger).await
    }

    pub(super) async fn decide_for(
        &self,
        want: &Desired,
        status: &Status,
        prefs: Prefs,
        ledger: Ledger,
    ) -> Result<Decision> {
        let enrolment = ledger.enrolment.unwrap_or(Enrolment::Adopted);
        let mut asked = asked::want(want, enrolment, &self.settings, status, &prefs)?;
        // A node that we switched on stays on until we leave.
        if held(&ledger, "WantRunning").is_some() {
            asked.settings.insert("WantRunning".to_owned(), json!(true));
        }
        let settlement = settle(&prefs, &ledger, &asked);
        let routed = want.mode == RouteMode::Routed;
        let after = changed(&prefs, &settlement.changes);
        // An operator who spoke of the translation has it so.
        let is_ours = !self.settings.extra.settings.contains_key("NoSNAT");
        let snat = (routed && is_ours)
            .then(|| Snat::needed(&before(&prefs, &ledger), &after.advertised(), &want.pod_cidrs));
        let rules = match routed {
            // Where an admin took other nodes' routes before us, those go on as they did.
            true if had_routes(&prefs, &ledger) => Vec::new(),
            true => protected(&connected(&prefs).await?, &want.pod_cidrs),
            false => Vec::new(),
        };
        Ok(Decision { prefs, settlement, rules, snat: snat.flatten(), ledger })
    }

    /// Makes our rules exactly these.
    pub(super) async fn guard(&self, rules: &[Rule]) -> Result<()> {
        let netlink = Netlink::open().map_err(kernel)?;
        let there = our_rules(&netlink).await?;
        if !rules.is_empty() && !is_same(&there, rules) {
            let (was, made) = (texts(&there), texts(rules));
            let name = RULES.to_owned();
            self.host.record(LedgerEntry::Changing { name, was, made }).await?;
        }
        netlink.set_rules(RULE_PRIORITY..=RULE_PRIORITY, rules).await.map_err(kernel)?;
        Ok(())
    }

    /// Writes the table that translates, unless it is there as it should be.
    async fn translate(&self, snat: Option<&Snat>) -> Result<()> {
        let Some(snat) = snat else { return Ok(()) };
        if is_translating(snat).await? {
            return Ok(());
        }
        let name = TRANSLATION.to_owned();
        let entry = LedgerEntry::Changing { name, was: Value::Null, made: json!("present") };
        self.host.record(entry).await?;
        Snat::table().replace(&snat.body()).await.map_err(no_translation)
    }

    pub(super) async fn stop_translating(&self) -> Result<()> {
        Snat::table().delete().await.map_err(kernel)?;
        self.host.record(LedgerEntry::Restored { name: TRANSLATION.to_owned() }).await
    }
}

async fn our_rules(netlink: &Netlink) -> Result<Vec<Rule>> {
    let listed = netlink.rules().await.map_err(kernel)?;
    let ours = listed.into_iter().filter(|it| it.ours && it.rule.priority == RULE_PRIORITY);
    Ok(ours.map(|listed| listed.rule).collect())
}

fn is_same(one: &[Rule], other: &[Rule]) -> bool {
    one.len() == other.len() && one.iter().all(|rule| other.contains(rule))
}

/// The rules as the ledger keeps them; null for none.
fn texts(rules: &[Rule]) -> Value {
    let texts: Vec<String> = rules.iter().map(ToString::to_string).collect();
    if texts.is_empty() { Value::Null } else { json!(texts) }
}

/// The step that tells of these changes; none where there are none.
fn told(settlement: &Settlement) -> Option<Step> {
    let names: Vec<&str> = settlement.changes.iter().map(|it| it.name.as_str()).collect();
    let text = format!("tailscaled: set {}", names.join(", "));
    (!names.is_empty()).then(|| Step::done("preferences", text))
}

/// The networks on this node's own links; tailscaled's has single addresses alone. None where
/// an admin sends everything, the LAN included, through an exit node.
async fn connected(prefs: &Prefs) -> Result<Vec<IpNet>> {
    let has_exit_node = ["ExitNodeID", "ExitNodeIP", "AutoExitNode"]
        .iter()
        .any(|name| prefs.value(name).as_str().is_some_and(|node| !node.is_empty()));
    if has_exit_node && !prefs.is_on("ExitNodeAllowLANAccess") {
        return Ok(Vec::new());
    }
    let netlink = Netlink::open().map_err(kernel)?;
    let networks = netlink.connected_networks().await.map_err(kernel)?;
    Ok(networks.into_iter().map(|(network, _)| network).collect())
}

/// Whether the node took the routes that others serve before our first change.
fn had_routes(prefs: &Prefs, ledger: &Ledger) -> bool {
    match held(ledger, "RouteAll") {
        Some(setting) => setting.was == json!(true),
        None => prefs.is_on("RouteAll"),
    }
}

/// The preferences with the translation as it was before our first change.
fn before(prefs: &Prefs, ledger: &Ledger) -> Prefs {
    match held(ledger, "NoSNAT") {
        Some(setting) => prefs.clone().with("NoSNAT", setting.was.clone()),
        None => prefs.clone(),
    }
}

pub(super) fn translates(ledger: &Ledger) -> bool {
    held(ledger, TRANSLATION).is_some()
}

/// What is ours for now.
pub(super) fn held<'a>(ledger: &'a Ledger, name: &str) -> Option<&'a OwnedSetting> {
    ledger.settings.get(name).filter(|setting| !setting.restored)
}

pub(super) async fn is_translating(snat: &Snat) -> Result<bool> {
    let ruleset = nftables::ruleset().await.map_err(no_translation)?;
    let chain = snat.chain();
    Ok(ruleset.base_chains.iter().any(|listed| listed.name == chain))
}

/// Without the program `nft` an admin's routes would lose their translation.
fn no_translation(error: linux::Error) -> provider_api::Error {
    let mut error = kernel(error);
    error.what = format!(
        "this node is a subnet router, and its own routes would lose their source translation: {}",
        error.what
    );
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_that_were_taken_before_us_are_known() {
        let on = Prefs::default().with("RouteAll", json!(true));
        let mut ledger = Ledger::default();
        assert!(had_routes(&on, &ledger));
        assert!(!had_routes(&Prefs::default(), &ledger));
        let (name, was, made) = ("RouteAll".to_owned(), json!(false), json!(true));
        ledger.enter(LedgerEntry::Changing { name, was, made });
        assert!(!had_routes(&on, &ledger));
    }
}
