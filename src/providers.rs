//! The providers that are built in: the only place that names them.

use provider_api::{Error, Manifest, Provider, ProviderName, Result};
use provider_tailscale::TailscaleProvider;

/// Every provider that is built in, in the order of the documentation.
///
/// # Errors
/// None, as long as their manifests are tested.
pub fn all() -> Result<Vec<Box<dyn Provider>>> {
    Ok(vec![Box::new(TailscaleProvider::new()?)])
}

/// The manifests of all providers: what `--vpn-auth` may hold.
///
/// # Errors
/// Those of [`all`].
pub fn manifests() -> Result<Vec<Manifest>> {
    Ok(all()?.iter().map(|provider| provider.manifest().clone()).collect())
}

/// The provider of this name.
///
/// # Errors
/// [`ErrorKind::Settings`](provider_api::ErrorKind::Settings), listing those that are known.
pub fn find(name: &ProviderName) -> Result<Box<dyn Provider>> {
    let mut providers = all()?;
    let known: Vec<&str> =
        providers.iter().map(|provider| provider.manifest().name.as_str()).collect();
    let error = Error::settings("provider-unknown", format!("no provider is called `{name}`"))
        .fix(format!("known providers: {}", known.join(", ")));
    let found = providers.iter().position(|provider| provider.manifest().name == *name);
    found.map(|place| providers.swap_remove(place)).ok_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = find(&"zerotier".parse().unwrap()).err().unwrap();
        assert_eq!(error.fix.as_deref(), Some("known providers: tailscale"));
    }

    #[test]
    fn every_manifest_has_a_name_of_its_own_and_this_contract() {
        for manifest in manifests().unwrap() {
            assert_eq!(manifest.contract, provider_api::CONTRACT_VERSION);
            assert!(find(&manifest.name).is_ok());
        }
    }
}
