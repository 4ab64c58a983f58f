//! The providers that are built in: the only place that names them.

use provider_api::{Error, Manifest, Provider, ProviderName, Result};

/// Every provider that is built in, in the order of the documentation.
pub fn all() -> Vec<Box<dyn Provider>> {
    Vec::new()
}

/// The manifests of all providers: what `--vpn-auth` may hold.
pub fn manifests() -> Vec<Manifest> {
    all().iter().map(|provider| provider.manifest().clone()).collect()
}

/// The provider of this name.
///
/// # Errors
/// [`ErrorKind::Settings`](provider_api::ErrorKind::Settings), listing those that are known.
pub fn find(name: &ProviderName) -> Result<Box<dyn Provider>> {
    let known = || {
        let names = manifests().into_iter().map(|manifest| manifest.name.to_string());
        names.collect::<Vec<_>>().join(", ")
    };
    let mut providers = all().into_iter();
    providers.find(|provider| provider.manifest().name == *name).ok_or_else(|| {
        Error::settings("provider-unknown", format!("no provider is called `{name}`"))
            .fix(format!("known providers: {}", known()))
    })
}
