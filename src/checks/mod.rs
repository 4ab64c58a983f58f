//! What could break, found before anything is changed. One file a check, each of them pure.

mod clashes;
mod firewall;
mod flavours;
mod foreign;
mod forwarding;
mod kernel;
mod mtu;
mod names;
mod namesake;
mod overlap;
mod overlay;
mod owner;
mod podless;
mod ports;
mod refusal;
mod rp_filter;
mod vpn_range;

use ipnet::IpNet;
use provider_api::{Capabilities, Desired, Finding, Observed};

use crate::host::{Facts, Survey};

pub use foreign::foreigners;
pub use namesake::namesakes;
pub use owner::{Claim, Owner, abandoned, claim};
pub use podless::podless;
pub use refusal::refusal;

/// What the checks look at.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The machine.
    pub facts: &'a Facts,
    /// What else was looked at, where somebody took the time.
    pub survey: Option<&'a Survey>,
    /// What is about to be asked of the network.
    pub desired: &'a Desired,
    /// The cluster's service CIDRs.
    pub service_cidrs: &'a [IpNet],
    /// Whether nobody said which those are: they are a guess then, which forbids nothing.
    pub guessed_services: bool,
    /// The bridge that pods hang on.
    pub pod_bridge: &'a str,
    /// What the provider takes for itself.
    pub capabilities: &'a Capabilities,
    /// The network as it stands; none before the join.
    pub observed: Option<&'a Observed>,
}

impl Scene<'_> {
    /// Whether an interface is the pod bridge or the VPN's own.
    fn is_own(&self, interface: &str) -> bool {
        interface == self.pod_bridge || self.is_vpn(interface)
    }

    /// Whether an interface is the VPN's.
    fn is_vpn(&self, interface: &str) -> bool {
        let vpn = self.observed.map(|observed| observed.interface.as_str());
        vpn == Some(interface) || self.capabilities.interfaces.iter().any(|name| name == interface)
    }

    /// Every prefix that peers serve, with the peer's name.
    fn peer_routes(&self) -> impl Iterator<Item = (&IpNet, &str)> {
        let peers = self.observed.iter().flat_map(|observed| &observed.peers);
        peers.flat_map(|peer| peer.routes.iter().map(|route| (route, peer.name.as_str())))
    }
}

type Check = fn(&Scene<'_>) -> Vec<Finding>;

const CHECKS: [Check; 13] = [
    overlap::check,
    owner::check,
    forwarding::check,
    rp_filter::check,
    mtu::check,
    clashes::check,
    firewall::check,
    ports::check,
    vpn_range::check,
    names::check,
    flavours::check,
    kernel::check,
    overlay::check,
];

/// All findings, the worst first.
pub fn preflight(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(scene)).collect();
    sort(&mut findings);
    findings
}

/// Puts the worst first and drops what was said twice.
pub fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(|one, other| other.severity.cmp(&one.severity).then_with(|| one.cmp(other)));
    findings.dedup();
}

#[cfg(test)]
mod scenes;
