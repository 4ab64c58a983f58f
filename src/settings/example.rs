//! A provider's manifest, and settings for it: for tests.

use std::path::Path;

use provider_api::{Key, Manifest, Provider};
use testenv::fake::{FakeProvider, FakeWorld};

use super::{Settings, Sources, read_config, resolve};

/// The settings of a node that joins with this key, as a config file says it.
pub(crate) fn with_key(key: &str) -> Settings {
    let text = format!("[vpn-auth]\nname = \"tailscale\"\njoinKey = \"{key}\"\n");
    let file = read_config(Path::new("/etc/moorline/config.toml"), &text).expect("a config file");
    let sources = Sources { file, ..Sources::default() };
    resolve(&sources, &[manifest("tailscale")]).expect("settings")
}

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
