//! `moorline doctor`: everything that can be said about this node, and the mending of what is
//! Moorline's own.

use std::sync::Arc;

use provider_api::{Change, Error, Finding, Plan, Repair, Result, Severity};
use serde::Serialize;

use super::establish::{Check, advertise, make_pod_network};
use super::open::{self, Opened};
use super::pod_network::{self, FirewallSeen};
use super::session::{Access, Place};
use super::{
    Directories, Facts, Patience, Reporter, Silent, Stage, StateDirectory, StatusReport, Survey,
    status,
};
use crate::checks;
use crate::settings::Settings;

/// What can be said about a node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// How it stands; none where it has joined no network, or where that cannot be told.
    pub status: Option<StatusReport>,
    /// Everything that is wrong, or will be; the worst first.
    pub findings: Vec<Finding>,
}

/// Looks at everything: the network that this node is in, or else the one that is wanted.
/// Changes nothing. What cannot be looked at is a finding.
pub async fn examine(settings: Option<&Settings>, directories: &Directories) -> Diagnosis {
    let mut diagnosis = Diagnosis { status: None, findings: Vec::new() };
    match opened(settings, directories) {
        Ok(Some(opened)) => {
            let guessed = settings.is_none_or(Settings::guesses_services);
            diagnosis.look(&opened, directories, guessed).await;
        }
        Ok(None) => diagnosis.findings.push(no_network()),
        Err(error) => diagnosis.findings.push(unknown(error)),
    }
    let said = settings.iter().flat_map(|settings| settings.findings.iter().cloned());
    diagnosis.findings.extend(said);
    checks::sort(&mut diagnosis.findings);
    diagnosis
}

/// Makes what is Moorline's own on this machine as it is to be, and nudges the VPN. Lets nobody
/// in, starts no daemon, and touches nothing of an administrator's.
///
/// # Errors
/// Where another command is at work, where this node has joined no network, and what the kernel
/// or the VPN says.
pub async fn mend(directories: &Directories, reporter: Arc<dyn Reporter>) -> Result<Plan> {
    let directory = StateDirectory::new(&directories.state);
    let _lock = directory.lock_within(super::PATIENCE).await?;
    let opened = open::from_state(Place { directory, access: Access::Write, reporter })?;
    let state = opened.session.network_state()?;
    let observed = opened.network.observe().await;
    if let Some(membership) = &state.membership {
        make_pod_network(&opened, directories, membership, observed.as_ref().ok()).await?;
    }
    let observed = observed?;
    if observed.up {
        advertise(&opened, &state).await?;
        for what in observed.wants.into_iter().filter(|what| *what != Repair::Restart) {
            opened.network.repair(what).await?;
            opened.session.note(nudged(what));
        }
    }
    Ok(opened.session.changes())
}

fn nudged(what: Repair) -> Change {
    let subject = match what {
        Repair::PeerRoutes => "routes to peers",
        Repair::Firewall => "the VPN's firewall rules",
        Repair::Refresh => "news of own routes",
        Repair::Restart => "the VPN's daemon",
    };
    let (subject, to) = (subject.to_owned(), "written anew by the VPN".to_owned());
    Change { subject, from: String::new(), to, why: String::new() }
}

fn opened(settings: Option<&Settings>, directories: &Directories) -> Result<Option<Opened>> {
    let directory = StateDirectory::new(&directories.state);
    let is_in_one = !directory.load()?.networks.is_empty();
    let place = Place { directory, access: Access::Read, reporter: Arc::new(Silent) };
    match settings {
        _ if is_in_one => open::from_state(place).map(Some),
        Some(settings) => open::from_settings(settings, place).map(Some),
        None => Ok(None),
    }
}

impl Diagnosis {
    async fn look(&mut self, opened: &Opened, directories: &Directories, guessed: bool) {
        if let Err(error) = self.look_at_all(opened, directories, guessed).await {
            self.findings.push(unknown(error));
        }
    }

    async fn look_at_all(
        &mut self,
        opened: &Opened,
        directories: &Directories,
        guessed_services: bool,
    ) -> Result<()> {
        let wanted = &opened.session.network_state()?;
        let is_member = wanted.membership.is_some();
        if is_member {
            self.stand(directories).await;
        }
        // A status that could not prove anything asked already.
        if self.status.as_ref().is_none_or(|status| status.stage >= Stage::Proven) {
            self.findings.extend(opened.network.diagnose().await);
        }
        let observed = match is_member {
            true => self.or_told(opened.network.observe().await),
            false => None,
        };
        if let Some(observed) = &observed {
            self.findings.extend(self.drift(opened, directories, observed).await?);
        }
        let ports = &opened.manifest.capabilities.ports;
        let survey = Survey::gather(ports, &directories.run.join("netns/doctor")).await;
        let check = Check { opened, wanted, guessed_services };
        let facts = Facts::gather().await?;
        self.findings.extend(check.surveyed(&facts, Some(&survey), observed.as_ref()));
        Ok(())
    }

    /// How the node stands, with the other nodes asked.
    async fn stand(&mut self, directories: &Directories) {
        let status = status(directories, Patience::Prove).await;
        self.status = self.or_told(status);
        let found = self.status.iter().flat_map(|status| status.findings.iter().cloned());
        self.findings.extend(found);
    }

    /// What is not as it was made.
    async fn drift(
        &self,
        opened: &Opened,
        directories: &Directories,
        observed: &provider_api::Observed,
    ) -> Result<Vec<Finding>> {
        let state = opened.session.network_state()?;
        let firewall = &mut FirewallSeen::default();
        let mut off = pod_network::plan(&state, directories, Some(observed), firewall).await?;
        if observed.up {
            off.extend(opened.network.plan(&state.desired).await?.changes);
        }
        Ok(off.iter().map(not_as_made).collect())
    }

    fn or_told<T>(&mut self, answer: Result<T>) -> Option<T> {
        answer.map_err(|error| self.findings.push(unknown(error))).ok()
    }
}

fn not_as_made(change: &Change) -> Finding {
    let Change { subject, from, to, why } = change;
    let what = match (from.is_empty(), to.is_empty()) {
        (true, _) => format!("missing: {subject} ({to})"),
        (false, true) => format!("too much: {subject} ({from})"),
        (false, false) => format!("{subject} is {from}, and is to be {to}"),
    };
    let why = match why.as_str() {
        "" => "Moorline needs it so; where the service does not run, nothing keeps it",
        why => why,
    };
    Finding::new(Severity::Warning, "not-as-made", what, why).fix("moorline doctor --fix")
}

fn no_network() -> Finding {
    Finding::new(
        Severity::Info,
        "no-network",
        "this node has joined no network, and no settings say which it is to join",
        "there is little to look at; with settings, `doctor` tells what a join would meet",
    )
    .fix("moorline doctor --vpn-auth=... --pod-cidr CIDR, with what `moorline up` is to have")
}

/// What could not be looked at.
pub fn unknown(error: Error) -> Finding {
    let why = "what it would have told stays unknown";
    let finding = Finding::new(Severity::Error, error.code, error.what, why);
    Finding { fix: error.fix, ..finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(from: &str, to: &str) -> String {
        let (subject, why) = ("ip_forward".to_owned(), String::new());
        not_as_made(&Change { subject, from: from.into(), to: to.into(), why }).what
    }

    #[test]
    fn each_way_to_be_off_has_its_words() {
        assert_eq!(what("0", "1"), "ip_forward is 0, and is to be 1");
        assert_eq!(what("", "1"), "missing: ip_forward (1)");
        assert_eq!(what("0", ""), "too much: ip_forward (0)");
    }
}
