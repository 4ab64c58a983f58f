//! What a provider is, and what it takes for itself.

use serde::{Deserialize, Serialize};

use crate::ProviderName;

/// The version of this contract. A provider and a host that differ here refuse each other.
pub const CONTRACT_VERSION: u32 = 1;

/// What a provider is called, understands and takes for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The word in `--vpn-auth name=...`.
    pub name: ProviderName,
    /// One line for people.
    pub summary: String,
    /// The contract that the provider was written for: [`CONTRACT_VERSION`].
    pub contract: u32,
    /// The keys that it understands in `--vpn-auth`, beside `name`.
    pub keys: Vec<Key>,
    /// What it does and takes.
    pub capabilities: Capabilities,
}

impl Manifest {
    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// One key of `--vpn-auth`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// As it is written, such as `joinKey`.
    pub name: String,
    /// Whether its value is a secret: then it may be a reference, and is never shown.
    pub secret: bool,
    /// One line for the reference.
    pub help: String,
}

/// What a provider does, and what it takes on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The service manager's name of its daemon, such as `tailscaled.service`; none where it
    /// has none of its own.
    #[serde(default)]
    pub service: Option<String>,
    /// Who writes the routes to peers into the kernel.
    pub routes: RouteProgrammer,
    /// Whether somebody must approve a route before peers take it.
    pub approval: bool,
    /// Whether it carries IPv4.
    pub ipv4: bool,
    /// Whether it carries IPv6.
    pub ipv6: bool,
    /// Whether routes can change while it runs.
    pub live_routes: bool,
    /// Packet marks that it uses.
    pub marks: Vec<MarkRange>,
    /// Routing tables that it uses.
    pub tables: Vec<u32>,
    /// Preferences of the ip rules that it adds.
    pub rules: Vec<u32>,
    /// UDP ports that it listens on.
    pub ports: Vec<u16>,
    /// Interfaces that it makes.
    pub interfaces: Vec<String>,
    /// Address ranges that it hands out or drops elsewhere, as CIDR text for people.
    pub ranges: Vec<ipnet::IpNet>,
}

/// Who writes the routes to peers into the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteProgrammer {
    /// The provider's daemon.
    Provider,
    /// The host.
    Host,
}

/// A range of packet marks: `value` under `mask`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkRange {
    /// The bits that are set.
    pub value: u32,
    /// The bits that are looked at.
    pub mask: u32,
}
