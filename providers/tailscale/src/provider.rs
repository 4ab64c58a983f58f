//! What this provider is called, understands and takes for itself.

use std::sync::Arc;

use provider_api::{
    CONTRACT_VERSION, Capabilities, Host, Key, Manifest, MarkRange, Network, PolicyRequest,
    Provider, ProviderName, ProviderSettings, Result, RouteProgrammer,
};

use crate::guard::RULE_PRIORITY;
use crate::network::Tailscale;
use crate::policy;
use crate::settings::{DEFAULT_SOCKET, Settings, key};

/// The tailscale provider.
#[derive(Debug)]
pub struct TailscaleProvider {
    manifest: Manifest,
}

impl TailscaleProvider {
    /// The provider.
    ///
    /// # Errors
    /// None that can happen: the manifest's texts are constants, and tested.
    pub fn new() -> Result<Self> {
        Ok(TailscaleProvider { manifest: manifest()? })
    }
}

impl Provider for TailscaleProvider {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open(&self, settings: &ProviderSettings, host: Arc<dyn Host>) -> Result<Box<dyn Network>> {
        Ok(Box::new(Tailscale::new(Settings::parse(settings)?, host)?))
    }

    fn policy(&self, request: &PolicyRequest) -> Result<String> {
        policy::text(request)
    }
}

fn manifest() -> Result<Manifest> {
    let name: ProviderName = "tailscale".parse().map_err(bug)?;
    Ok(Manifest {
        name,
        summary: "Tailscale or headscale, through the tailscaled of this node".to_owned(),
        contract: CONTRACT_VERSION,
        keys: keys(),
        capabilities: capabilities()?,
    })
}

fn keys() -> Vec<Key> {
    let key = |name: &str, secret: bool, help: String| Key { name: name.to_owned(), secret, help };
    vec![
        key(
            key::JOIN_KEY,
            true,
            "auth key of Tailscale or headscale; not needed on a node that is enrolled".to_owned(),
        ),
        key(
            key::CONTROL_SERVER,
            false,
            "URL of the control server; Tailscale's own where left out".to_owned(),
        ),
        key(key::SOCKET, false, format!("tailscaled's socket; {DEFAULT_SOCKET} where left out")),
        key(
            key::CONTROL_API_KEY,
            true,
            "API key of the control server, to know for certain what is approved".to_owned(),
        ),
    ]
}

/// tailscaled's marks, table, rules and port
/// (`wgengine/router/osrouter/router_linux.go:1558`, `util/linuxfw/linuxfw.go:36`).
fn capabilities() -> Result<Capabilities> {
    let mark = |value| MarkRange { value, mask: 0xff_0000 };
    let mut rules = vec![RULE_PRIORITY];
    rules.extend([5210, 5230, 5250, 5270]);
    Ok(Capabilities {
        service: Some("tailscaled.service".to_owned()),
        routes: RouteProgrammer::Provider,
        approval: true,
        ipv4: true,
        ipv6: true,
        live_routes: true,
        marks: vec![mark(0x4_0000), mark(0x8_0000)],
        tables: vec![52],
        rules,
        ports: vec![41641],
        interfaces: vec!["tailscale0".to_owned()],
        ranges: vec![
            "100.64.0.0/10".parse().map_err(bug)?,
            "fd7a:115c:a1e0::/48".parse().map_err(bug)?,
        ],
    })
}

fn bug(error: impl std::fmt::Display) -> provider_api::Error {
    provider_api::Error::bug(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_sound() {
        let provider = TailscaleProvider::new().unwrap();
        let manifest = provider.manifest();
        assert_eq!(manifest.name.as_str(), "tailscale");
        assert!(manifest.key("joinKey").unwrap().secret);
        assert!(!manifest.key("socket").unwrap().secret);
    }
}
