//! A VPN in memory, to be scripted: what the host's tests and the conformance suite run on.

mod file;
mod flawed;
mod network;
mod plugin;
mod world;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use provider_api::{
    CONTRACT_VERSION, Capabilities, Error, Host, Key, Manifest, Network, NodeId, Path, Peer,
    PolicyRequest, PolicySubject, Provider, ProviderName, ProviderSettings, Result,
    RouteProgrammer,
};

pub use flawed::{Flaw, FlawedProvider};
use network::FakeNetwork;
pub use plugin::FakePlugin;
pub use world::{Approval, Call, FakeWorld, KeyFate};

/// The key that a [`FakeWorld`] takes.
pub const JOIN_KEY: &str = "fake-join-key-8d1f";

/// The provider of a VPN that is only in memory: a [`FakeWorld`].
pub struct FakeProvider {
    manifest: Manifest,
    world: FakeWorld,
}

impl FakeProvider {
    /// A provider of this world, called `fake`.
    pub fn new(world: FakeWorld) -> Self {
        FakeProvider { manifest: manifest(), world }
    }

    /// What the network of this provider lives in, to be scripted.
    pub fn world(&self) -> &FakeWorld {
        &self.world
    }
}

impl Provider for FakeProvider {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open(&self, settings: &ProviderSettings, host: Arc<dyn Host>) -> Result<Box<dyn Network>> {
        for key in settings.values.keys().chain(&settings.secrets) {
            if self.manifest.key(key).is_none() {
                return Err(unknown_key(key));
            }
        }
        let server = settings.values.get("controlServerURL").map_or("fake://", String::as_str);
        if !server.starts_with("fake://") {
            let what = format!("controlServerURL `{server}` does not begin with fake://");
            return Err(Error::settings("control-server-url", what).fix("controlServerURL=fake://"));
        }
        Ok(Box::new(FakeNetwork::new(self.world.clone(), settings.clone(), host)))
    }

    fn policy(&self, request: &PolicyRequest) -> Result<String> {
        if request.cluster_cidrs.is_empty() {
            let error = Error::settings("no-cluster-cidr", "a policy without a cluster CIDR");
            return Err(error.fix("--cluster-cidr 10.42.0.0/16"));
        }
        let cidrs: Vec<String> = request.cluster_cidrs.iter().map(ToString::to_string).collect();
        let subject = match &request.subject {
            PolicySubject::Tag(name) | PolicySubject::User(name) => name,
        };
        Ok(format!("approve {} for {subject}\n", cidrs.join(" ")))
    }
}

fn unknown_key(key: &str) -> Error {
    Error::settings("unknown-key", format!("the fake provider knows no key `{key}`"))
        .fix("known keys: joinKey, controlServerURL")
}

fn manifest() -> Manifest {
    let key = |name: &str, secret| Key { name: name.into(), secret, help: format!("The {name}") };
    Manifest {
        name: name(),
        summary: "A VPN in memory".into(),
        contract: CONTRACT_VERSION,
        keys: vec![key("joinKey", true), key("controlServerURL", false)],
        capabilities: Capabilities {
            service: None,
            routes: RouteProgrammer::Provider,
            approval: true,
            ipv4: true,
            ipv6: true,
            live_routes: true,
            marks: Vec::new(),
            tables: Vec::new(),
            rules: Vec::new(),
            ports: Vec::new(),
            interfaces: vec!["fake0".into()],
            ranges: Vec::new(),
        },
    }
}

fn name() -> ProviderName {
    "fake".parse().expect("a label")
}

/// A peer of this name and number, online, that serves these prefixes.
pub fn peer(name: &str, number: u8, routes: &[IpNet]) -> Peer {
    Peer {
        id: NodeId::new(number.to_string()),
        name: name.to_owned(),
        cluster: None,
        tags: Vec::new(),
        addresses: vec![address(number)],
        routes: routes.to_vec(),
        online: true,
        path: Path::Idle,
        last_contact: None,
        removal: Some(format!("fake delete {number}")),
    }
}

/// The address of the node of this number: in a range that real VPNs hand out, too.
fn address(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(100, 64, 0, number))
}

/// A prefix such as `10.42.3.0/24`, by its third number.
pub fn pod_cidr(number: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new(Ipv4Addr::new(10, 42, number, 0), 24).expect("a prefix length"))
}
