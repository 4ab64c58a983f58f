//! The providers: those that are built in, which only this file names, and plugins.

mod folder;

use provider_api::{Error, Manifest, Provider, ProviderName, Result};
use provider_plugin::Plugin;
use provider_tailscale::TailscaleProvider;

use crate::settings::{self, Sources};

pub use folder::VARIABLE as PLUGIN_DIR;

/// Every provider that is built in, in the order of the documentation.
///
/// # Errors
/// None, as long as their manifests are tested.
pub fn all() -> Result<Vec<Box<dyn Provider>>> {
    Ok(vec![Box::new(TailscaleProvider::new()?)])
}

/// The manifests of all that are built in, and of the plugin that is asked for: what
/// `--vpn-auth` may hold.
///
/// # Errors
/// Those of a plugin that cannot be used, and sources that disagree about the provider.
pub fn manifests(sources: &Sources) -> Result<Vec<Manifest>> {
    let mut manifests: Vec<Manifest> =
        all()?.iter().map(|provider| provider.manifest().clone()).collect();
    let wanted = settings::wanted(sources)?.and_then(|name| name.value.parse().ok());
    if let Some(name) = wanted.filter(|name| !manifests.iter().any(|one| one.name == *name)) {
        manifests.extend(plugin(&name)?.map(|plugin| plugin.manifest().clone()));
    }
    Ok(manifests)
}

/// The provider of this name.
///
/// # Errors
/// [`ErrorKind::Settings`](provider_api::ErrorKind::Settings), listing those that are built in;
/// those of a plugin that cannot be used.
pub fn find(name: &ProviderName) -> Result<Box<dyn Provider>> {
    let mut providers = all()?;
    let found = providers.iter().position(|provider| provider.manifest().name == *name);
    match found {
        Some(place) => Ok(providers.swap_remove(place)),
        None => plugin(name)?.map(|plugin| Box::new(plugin) as _).ok_or_else(|| unknown(name)),
    }
}

/// The plugin of this name, where there is one.
fn plugin(name: &ProviderName) -> Result<Option<Plugin>> {
    let folders = folder::folders(std::env::var_os(PLUGIN_DIR))?;
    let file = folder::plugin(name, &folders)?;
    file.map(|file| Plugin::start(name.as_str(), &file)).transpose()
}

fn unknown(name: &ProviderName) -> Error {
    let error = Error::settings("provider-unknown", format!("no provider is called `{name}`"));
    match all() {
        Ok(all) => {
            let known: Vec<&str> = all.iter().map(|one| one.manifest().name.as_str()).collect();
            error.fix(format!(
                "known providers: {}; install the plugin of any other",
                known.join(", ")
            ))
        }
        Err(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = find(&"zerotier".parse().unwrap()).err().unwrap();
        assert_eq!(
            error.fix.as_deref(),
            Some("known providers: tailscale; install the plugin of any other")
        );
    }

    #[test]
    fn every_manifest_has_a_name_of_its_own_and_this_contract() {
        for manifest in manifests(&Sources::default()).unwrap() {
            assert_eq!(manifest.contract, provider_api::CONTRACT_VERSION);
            assert!(find(&manifest.name).is_ok());
        }
    }
}
