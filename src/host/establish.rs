//! Join, check, make it so: what `up` and the service have in common.

use provider_api::{Enrolment, Finding, Membership, Observed, Result};

use crate::checks::{self, Scene};
use crate::fault::{self, Point};
use crate::host::open::Opened;
use crate::host::{Directories, Facts, NetworkState, Survey, pod_network, takeover};

/// A node that is a member, as it wants to be.
pub(super) struct Established {
    /// How the network stands.
    pub observed: Observed,
    /// Whether the node was enrolled on the way: then the control server knows it for certain.
    pub just_enrolled: bool,
    /// What forbade nothing, and is worth knowing.
    pub warnings: Vec<Finding>,
}

/// Makes the node a member and the desired state true.
///
/// # Errors
/// What forbids to go on, naming who must act.
pub(super) async fn establish(
    opened: &Opened,
    directories: &Directories,
    guessed_services: bool,
) -> Result<Established> {
    let session = &opened.session;
    let wanted = session.network_state()?;
    let check = Check { opened, wanted: &wanted, guessed_services };
    let facts = Facts::gather().await?;
    check.preflight(&facts, None)?;
    let membership = opened.network.join().await?;
    fault::point(Point::Joined);
    let just_enrolled =
        wanted.ledger.enrolment.is_none() && membership.enrolment == Enrolment::Ours;
    session.remember(|network| network.membership = Some(membership.clone()))?;
    let observed = opened.network.observe().await?;
    let (observed, gone) = takeover::settle(opened, &wanted.desired, observed).await?;
    let facts = facts.renewed().await?;
    check.preflight(&facts, Some(&observed))?;
    session.accept()?;
    fault::point(Point::Accepted);
    make_pod_network(opened, directories, &membership, Some(&observed)).await?;
    let mut warnings = check.preflight(&facts.renewed().await?, Some(&observed))?;
    warnings.extend(gone);
    let observed = advertise(opened, &wanted).await?;
    Ok(Established { observed, just_enrolled, warnings })
}

/// What a check of this machine needs to know of the wishes.
pub(super) struct Check<'a> {
    /// The network.
    pub opened: &'a Opened,
    /// What is wanted.
    pub wanted: &'a NetworkState,
    /// Whether nobody said where the services are.
    pub guessed_services: bool,
}

impl Check<'_> {
    /// Looks for what forbids to go on; the rest comes back, to be told at the end.
    fn preflight(&self, facts: &Facts, observed: Option<&Observed>) -> Result<Vec<Finding>> {
        let findings = self.findings(facts, observed);
        match checks::refusal(&findings) {
            Some(error) => Err(error),
            None => Ok(findings),
        }
    }

    /// Everything that is worth knowing.
    pub(super) fn findings(&self, facts: &Facts, observed: Option<&Observed>) -> Vec<Finding> {
        self.surveyed(facts, None, observed)
    }

    /// The same, for whoever took the time to look at more.
    pub(super) fn surveyed(
        &self,
        facts: &Facts,
        survey: Option<&Survey>,
        observed: Option<&Observed>,
    ) -> Vec<Finding> {
        checks::preflight(&Scene {
            facts,
            survey,
            desired: &self.wanted.desired,
            service_cidrs: &self.wanted.service_cidrs,
            guessed_services: self.guessed_services,
            pod_bridge: &self.wanted.pod_bridge,
            capabilities: &self.opened.manifest.capabilities,
            observed,
        })
    }
}

/// Makes what pods need of this machine.
pub(super) async fn make_pod_network(
    opened: &Opened,
    directories: &Directories,
    membership: &Membership,
    observed: Option<&Observed>,
) -> Result<()> {
    let session = &opened.session;
    session.begin("pods", "making the pod network");
    fault::point(Point::BeforeForwarding);
    pod_network::forward(session, &session.network_state()?.desired.pod_cidrs)?;
    fault::point(Point::Forwarding);
    let told = pod_network::ensure(session, directories, membership.mtu, observed).await?;
    session.done("pods", told);
    Ok(())
}

/// Makes the daemon's settings as desired.
pub(super) async fn advertise(opened: &Opened, wanted: &NetworkState) -> Result<Observed> {
    let session = &opened.session;
    session.begin("routes", "advertising the pod CIDRs");
    fault::point(Point::Unadvertised);
    let observed = opened.network.apply(&wanted.desired).await?;
    fault::point(Point::Advertised);
    let text = match pod_network::list(&wanted.desired.pod_cidrs) {
        list if list.is_empty() => "no pod CIDR to advertise".to_owned(),
        list => format!("advertised {list}"),
    };
    session.done("routes", text);
    Ok(observed)
}
