//! Reads the environment, the config file and the files of `--vpn-auth`: all that settings are
//! made of.

use std::collections::BTreeMap;
use std::io::ErrorKind::NotFound;
use std::path::{Path, PathBuf};

use provider_api::{Error, Result, Secret};

use super::arguments::Place;
use super::variables;
use crate::secrets::{Guard, read_guarded};
use crate::settings::{
    Layer, Origin, SecretRef, Settings, Sources, VPN_AUTH_FILE_VARIABLES, VPN_AUTH_VARIABLES,
    VpnAuth, read_config,
};

const CONFIG: &str = "/etc/moorline/config.toml";

/// Everything that was said, beside the flags in `flags`.
pub(super) fn gather(place: &Place, mut flags: Layer) -> Result<Sources> {
    place.say(&mut flags);
    let variables = variables::read(std::env::vars_os())?;
    let file = config(place, &variables)?;
    Ok(Sources { flags, environment: environment(&variables)?, file })
}

/// The `--vpn-auth` in a file that only its owner can read.
pub(super) fn vpn_auth_file(path: &Path) -> Result<VpnAuth> {
    let text = read_guarded(path)?;
    Ok(VpnAuth::cut(text.expose(), Origin::file(path)))
}

/// A file that holds a secret itself must be closed to others; a reference is no secret.
pub(super) fn guard_literals(settings: &Settings) -> Result<()> {
    for secret in settings.secrets.values() {
        if let (SecretRef::Literal(_), Origin::File { path, .. }) = (&secret.value, &secret.origin)
        {
            guard(path)?;
        }
    }
    Ok(())
}

fn guard(path: &Path) -> Result<()> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    Guard::of(&metadata).check(path)
}

fn environment(variables: &BTreeMap<String, Secret>) -> Result<Layer> {
    let said = |name: &str| variables.get(name).map(|value| value.expose().to_owned());
    let mut layer = Layer::environment(said);
    for name in VPN_AUTH_VARIABLES {
        let origin = Origin::Environment(name.to_owned());
        layer.vpn_auth.extend(said(name).map(|text| VpnAuth::cut(&text, origin)));
    }
    for name in VPN_AUTH_FILE_VARIABLES {
        if let Some(path) = said(name) {
            layer.vpn_auth.push(vpn_auth_file(Path::new(&path))?);
        }
    }
    Ok(layer)
}

/// A config file that was asked for must be there; the usual one need not.
fn config(place: &Place, variables: &BTreeMap<String, Secret>) -> Result<Layer> {
    let variable = || variables.get(variables::CONFIG).map(|path| PathBuf::from(path.expose()));
    let asked = place.config.clone().or_else(variable);
    let path = asked.clone().unwrap_or_else(|| CONFIG.into());
    match std::fs::read_to_string(&path).map(Secret::new) {
        Ok(text) => read_config(&path, text.expose()),
        Err(error) if error.kind() == NotFound && asked.is_none() => Ok(Layer::default()),
        Err(error) => Err(unreadable(&path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::settings("config-file", format!("cannot read {}: {error}", path.display()))
        .fix("make it a file that you can read, or name another with --config")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(all: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        let all = all.iter().map(|(name, value)| (name.into(), value.into()));
        variables::read(all).expect("text")
    }

    #[test]
    fn files_that_variables_name_are_guarded() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("vpn-auth");
        std::fs::write(&path, "name=tailscale\n").expect("a file");
        let variables = read(&[("K3S_VPN_AUTH_FILE", path.to_str().expect("text"))]);
        let error = environment(&variables).expect_err("others can read it");
        assert_eq!(error.fix, Some(format!("chmod 600 {}", path.display())));
    }

    #[test]
    fn a_config_file_that_was_asked_for_must_be_there() {
        let variables = read(&[(variables::CONFIG, "/nonexistent/config.toml")]);
        let place = Place { config: None, state_dir: None, run_dir: None, verbose: 0 };
        assert_eq!(config(&place, &variables).expect_err("missing").code, "config-file");
    }
}
