//! The fake provider in a process of its own.

use std::path::Path;

use provider_api::{PolicyRequest, PolicySubject, Provider};
use provider_plugin::Plugin;
use testenv::fake::{FakePlugin, Flaw};

use crate::Fake;

/// A node of the fake VPN, seen through a plugin.
pub(crate) fn fake(flaw: Option<Flaw>) -> Fake {
    let plugin = FakePlugin::install(Path::new(env!("CARGO_BIN_EXE_fake-plugin")), flaw);
    let provider = Plugin::start("fake", &plugin.executable()).expect("a plugin");
    Fake { world: plugin.world(), provider: Box::new(provider), plugin: Some(plugin) }
}

/// Waits until the plugin has read all that it was sent: its world is reached past the wire.
pub(crate) fn catch_up(provider: &dyn Provider) {
    let cluster_cidrs = vec!["10.42.0.0/16".parse().expect("a net")];
    let subject = PolicySubject::Tag("tag:k8s".into());
    let request = PolicyRequest { cluster_cidrs, subject, server: None };
    provider.policy(&request).expect("a policy");
}

testenv::conformance_suite!(async { fake(None) });
