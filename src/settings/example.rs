//! A provider's manifest, for tests.

use provider_api::{Key, Manifest, Provider};
use testenv::fake::{FakeProvider, FakeWorld};

/// The manifest of a provider with two secret keys.
pub(crate) fn manifest(name: &str) -> Manifest {
    let key = |name: &str, secret| Key { name: name.to_owned(), secret, help: String::new() };
    Manifest {
        name: name.parse().expect("a name"),
        keys: vec![
            key("joinKey", true),
            key("controlServerURL", false),
            key("controlAPIKey", true),
        ],
        ..FakeProvider::new(FakeWorld::default()).manifest().clone()
    }
}
