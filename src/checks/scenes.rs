//! Scenes for the checks' tests: a quiet machine, and what is put on it.

use ipnet::IpNet;
use provider_api::{Capabilities, Desired, MarkRange, Observed, Peer, RouteMode, RouteProgrammer};

use super::Scene;
use crate::host::{Facts, Forwarding, LinkFact, RuleFact, Survey, example};

pub(super) struct Machine {
    facts: Facts,
    survey: Option<Survey>,
    desired: Desired,
    services: Vec<IpNet>,
    guessed_services: bool,
    capabilities: Capabilities,
    observed: Observed,
}

fn cidrs(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(super) fn peer(name: &str, routes: &[&str], online: bool) -> Peer {
    Peer { routes: cidrs(routes), online, ..example::peer(name) }
}

impl Machine {
    /// One node, pod CIDR 10.42.3.0/24, joined, nothing odd about it.
    pub(super) fn quiet() -> Self {
        Machine {
            facts: Facts {
                links: vec![LinkFact {
                    name: "tailscale0".into(),
                    mtu: 1280,
                    bridge: false,
                    addresses: cidrs(&["100.64.0.1/32"]),
                }],
                forwarding: Forwarding { ipv4: true, ipv6: true },
                nft: true,
                ..Facts::default()
            },
            survey: None,
            desired: Desired {
                mode: RouteMode::Routed,
                pod_cidrs: cidrs(&["10.42.3.0/24"]),
                cluster_cidrs: cidrs(&["10.42.0.0/16"]),
            },
            services: cidrs(&["10.43.0.0/16"]),
            guessed_services: false,
            capabilities: capabilities(),
            observed: example::observed(),
        }
    }

    pub(super) fn without_nft(mut self) -> Self {
        self.facts.nft = false;
        self
    }

    pub(super) fn scene(&self) -> Scene<'_> {
        Scene {
            facts: &self.facts,
            survey: self.survey.as_ref(),
            desired: &self.desired,
            service_cidrs: &self.services,
            guessed_services: self.guessed_services,
            pod_bridge: "moorline0",
            capabilities: &self.capabilities,
            observed: Some(&self.observed),
        }
    }

    pub(super) fn link(mut self, name: &str, mtu: u32, addresses: &[&str]) -> Self {
        let addresses = cidrs(addresses);
        self.facts.links.push(LinkFact { name: name.into(), mtu, bridge: false, addresses });
        self
    }

    /// The same, looked at for longer: this is what was seen.
    pub(super) fn surveyed(mut self, see: impl FnOnce(&mut Survey)) -> Self {
        see(self.survey.get_or_insert_default());
        self
    }

    pub(super) fn bridge(mut self, name: &str, addresses: &[&str]) -> Self {
        let addresses = cidrs(addresses);
        self.facts.links.push(LinkFact { name: name.into(), mtu: 1280, bridge: true, addresses });
        self
    }

    pub(super) fn underlay(mut self) -> Self {
        self.desired.mode = RouteMode::Underlay;
        self.desired.pod_cidrs.clear();
        self
    }

    pub(super) fn cluster(mut self, texts: &[&str]) -> Self {
        self.desired.cluster_cidrs = cidrs(texts);
        self.desired.pod_cidrs.clear();
        self
    }

    pub(super) fn guessed_services(mut self) -> Self {
        self.guessed_services = true;
        self
    }

    pub(super) fn peer(mut self, peer: Peer) -> Self {
        self.observed.peers.push(peer);
        self
    }

    pub(super) fn forwarding(mut self, forwarding: Forwarding) -> Self {
        self.facts.forwarding = forwarding;
        self
    }

    pub(super) fn strict(mut self, interface: &str) -> Self {
        self.facts.strict.insert(interface.into());
        self
    }

    pub(super) fn rule(mut self, rule: RuleFact) -> Self {
        self.facts.rules.push(rule);
        self
    }

    pub(super) fn chain(mut self, chain: &str) -> Self {
        self.facts.chains.insert(chain.into());
        self
    }
}

fn capabilities() -> Capabilities {
    Capabilities {
        service: Some("vpnd.service".into()),
        routes: RouteProgrammer::Provider,
        approval: true,
        ipv4: true,
        ipv6: true,
        live_routes: true,
        marks: vec![MarkRange { value: 0x40000, mask: 0xff0000 }],
        tables: vec![52],
        rules: vec![5210, 5230, 5250, 5270],
        ports: vec![41641],
        interfaces: vec!["tailscale0".into()],
        ranges: cidrs(&["100.64.0.0/10"]),
    }
}
