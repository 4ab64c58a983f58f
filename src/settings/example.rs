//! A provider's manifest, for tests.

use provider_api::{CONTRACT_VERSION, Capabilities, Key, Manifest, RouteProgrammer};

/// The manifest of a provider with two secret keys.
pub(crate) fn manifest(name: &str) -> Manifest {
    let key = |name: &str, secret| Key { name: name.to_owned(), secret, help: String::new() };
    Manifest {
        name: name.parse().expect("a name"),
        summary: String::new(),
        contract: CONTRACT_VERSION,
        keys: vec![
            key("joinKey", true),
            key("controlServerURL", false),
            key("controlAPIKey", true),
        ],
        capabilities: Capabilities {
            routes: RouteProgrammer::Provider,
            approval: true,
            ipv4: true,
            ipv6: true,
            live_routes: true,
            marks: Vec::new(),
            tables: Vec::new(),
            rules: Vec::new(),
            ports: Vec::new(),
            interfaces: Vec::new(),
            ranges: Vec::new(),
        },
    }
}
