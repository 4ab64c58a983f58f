//! How things stand now.

use std::time::{Duration, Instant};

use ipnet::IpNet;
use jiff::Timestamp;
use provider_api::{Finding, NodeId, Observed, Repair, Result};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::sight::{Age, Sight};
use super::{Tailscale, health, interface};
use crate::control_api::{self, ControlNode};
use crate::control_url::ControlUrl;
use crate::prefs::Prefs;
use crate::route_stage::{self, RouteVerdict};
use crate::settings::key;

/// How long this node's own entry counts as fresh after it was asked for.
const FRESH: Duration = Duration::from_secs(10);

/// How long the control server may take to judge a route; 2.2 s were seen.
const JUDGED: Duration = Duration::from_secs(4);

/// How long an answer of the control server's API is good for.
const KEPT: Duration = Duration::from_secs(5);

/// The same while the control server judges what has just changed.
const KEPT_AFTER_CHANGE: Duration = Duration::from_millis(500);

/// How long the control server may take to accept a connection.
const ANSWERS: Duration = Duration::from_secs(2);

/// An answer of the control server's API, and whom it is about.
#[derive(Debug, Clone)]
pub(super) struct Told {
    of: NodeId,
    when: Instant,
    answer: Result<Option<Option<ControlNode>>>,
}

impl Tailscale {
    pub(super) async fn observe_all(&self) -> Result<Observed> {
        let sight = self.look().await?;
        let addresses = sight.status.addresses();
        let link = interface::carrying(&addresses).await?;
        let is_bare =
            self.remember(|memory| memory.is_bare(&sight.status, link.is_some(), Instant::now()));
        let taken = self.taken_away(&sight, link.as_ref()).await?;
        let verdicts = sight.verdicts();
        let mut findings = match self.has_lost_its_state(&sight.status) {
            true => vec![health::state_lost()],
            false => health::of_status(&sight.status, sight.enrolment(), Timestamp::now()),
        };
        findings.extend(health::of_daemon(&sight.prefs, &self.api.version()));
        findings.extend(sight.is_ephemeral.then(health::ephemeral));
        findings.extend(taken.findings);
        findings.extend(sight.asked_in_vain.clone().map(health::of_untold));
        if let Some(put_out) = sight.put_out.clone().filter(|it| !findings.contains(it)) {
            findings.push(put_out);
        }
        Ok(Observed {
            route_findings: self.route_findings(&sight, &verdicts),
            findings,
            wants: self
                .restart_wanted(&sight, is_bare)
                .await
                .into_iter()
                .chain(taken.wants)
                .collect(),
            ..sight.observed(link, &verdicts)
        })
    }

    async fn look(&self) -> Result<Sight> {
        let all = tokio::join!(self.api.status(), self.api.prefs(), self.api.packet_filter());
        let (status, prefs, filter) = all;
        if status.as_ref().is_err_and(|error| error.cause.is_gone()) {
            self.remember(|memory| memory.daemon_away());
        }
        let ledger = self.host.ledger().await?;
        let mut sight = Sight::new(status?, prefs?, ledger, self.age());
        // Those alone may read it who may write.
        sight.filter = filter.ok();
        if !sight.prefs.advertised().is_empty() {
            self.look_at_control(&mut sight).await;
        }
        Ok(sight)
    }

    /// Adds what matters only to a node that advertises something.
    async fn look_at_control(&self, sight: &mut Sight) {
        let id = sight.node();
        match self.known_at_control(&sight.prefs, &id).await {
            Ok(None) => {}
            Ok(Some(None)) => sight.put_out = Some(health::deleted()),
            Ok(Some(Some(node))) => {
                sight.put_out = node.is_expired(Timestamp::now()).then(health::expired);
                sight.is_ephemeral = node.ephemeral == Some(true);
                sight.control = Some(node.routes);
            }
            Err(error) => sight.asked_in_vain = Some(error),
        }
    }

    /// What the control server's own API says of this node, which may be that there is none
    /// such; nothing without a key for it. An answer is kept for a while.
    pub(super) async fn known_at_control(
        &self,
        prefs: &Prefs,
        id: &NodeId,
    ) -> Result<Option<Option<ControlNode>>> {
        let kept_for = if self.age().is_judged { KEPT } else { KEPT_AFTER_CHANGE };
        let kept = self.remember(|memory| memory.told.clone());
        if let Some(told) = kept.filter(|told| &told.of == id && told.when.elapsed() < kept_for) {
            return told.answer;
        }
        let answer = self.ask_control(prefs, id).await;
        let told = Told { of: id.clone(), when: Instant::now(), answer: answer.clone() };
        self.remember(|memory| memory.told = Some(told));
        answer
    }

    async fn ask_control(&self, prefs: &Prefs, id: &NodeId) -> Result<Option<Option<ControlNode>>> {
        let Some(key) = self.host.secret(key::CONTROL_API_KEY).await? else { return Ok(None) };
        let api = control_api::open(&prefs.control_url().parse()?, key)?;
        Ok(Some(api.node(id).await?))
    }

    /// A daemon that lost its interface gets none any more. One that reaches its control server
    /// by plain http at a public address finds back to it only when it is started anew; and one
    /// that starts without its control server carries nothing, so only where that listens.
    async fn restart_wanted(&self, sight: &Sight, is_bare: bool) -> Option<Repair> {
        let is_stuck = self.remember(|memory| memory.is_stuck(&sight.status, Instant::now()));
        if is_bare {
            return Some(Repair::Restart);
        }
        let server = sight.prefs.control_url().parse::<ControlUrl>().ok()?;
        let is_wanted = is_stuck && server.is_http_on_public_address() && listens(&server).await;
        is_wanted.then_some(Repair::Restart)
    }

    fn age(&self) -> Age {
        self.remember(|memory| Age {
            is_fresh: memory.refreshed.is_some_and(|when| when.elapsed() < FRESH),
            is_judged: memory.changed.is_none_or(|when| when.elapsed() >= JUDGED),
        })
    }

    fn route_findings(&self, sight: &Sight, verdicts: &[RouteVerdict]) -> Vec<Finding> {
        let fixes = sight.fixes(&self.settings.cluster_cidrs, verdicts);
        // An admin may have advertised this node's pods before us.
        let cluster = &self.settings.cluster_cidrs;
        let is_pods = |prefix: &IpNet| cluster.iter().any(|cidr| cidr.contains(prefix));
        let ours = verdicts
            .iter()
            .filter(|verdict| sight.is_ours(verdict) || is_pods(&verdict.prefix))
            .cloned();
        route_stage::findings(&ours.collect::<Vec<_>>(), &fixes)
    }
}

/// Whether somebody takes connections there now.
async fn listens(server: &ControlUrl) -> bool {
    let Some(endpoint) = server.endpoint() else { return false };
    let connecting = timeout(ANSWERS, TcpStream::connect(endpoint)).await;
    matches!(connecting, Ok(Ok(_)))
}
