//! Every secret that Moorline can know.

use provider_api::Secret;

use super::Redactor;
use crate::host::{Directories, StateDirectory};
use crate::secrets::{self, Keyring};
use crate::settings::{Origin, SecretRef, Settings};

/// Takes out the secrets of the settings and of the state, and the keys in the keyring. One that
/// cannot be read now cannot have been told either, and its shape is looked for all the same.
pub(super) fn redactor(settings: Option<&Settings>, directories: &Directories) -> Redactor {
    let state = &directories.state;
    let keyring = Keyring::of(state);
    let listed = keyring.list().unwrap_or_default().into_iter();
    let kept = listed.filter_map(|entry| keyring.read(&entry.name).ok());
    let references = settings.into_iter().flat_map(|settings| settings.secrets.values());
    let references = references.map(|said| said.value.clone()).chain(remembered(directories));
    let values = references.filter_map(|reference| secrets::resolve(&reference, state).ok());
    let cluster_key = std::fs::read_to_string(state.join("cluster-key")).map(Secret::new);
    let names = settings.into_iter().flat_map(|settings| settings.secrets.keys().cloned());
    Redactor::new(values.chain(kept).chain(cluster_key), names)
}

fn remembered(directories: &Directories) -> Vec<SecretRef> {
    let directory = StateDirectory::new(&directories.state);
    let Ok(state) = directory.load() else { return Vec::new() };
    let networks = state.networks.into_values().chain(state.withdrawn.into_values());
    let texts = networks.flat_map(|network| network.secrets.into_values());
    let origin = Origin::file(directory.file());
    texts.filter_map(|text| SecretRef::parse(&text, &origin).ok()).collect()
}
