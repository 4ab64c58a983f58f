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

/// The config file.
#[derive(Debug)]
pub(super) struct ConfigFile {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Whether somebody named it.
    pub(super) asked: bool,
}

impl ConfigFile {
    /// The one that is named, or the usual one.
    pub(super) fn of(place: &Place) -> Result<Self> {
        Ok(ConfigFile::among(place, &variables::read(std::env::vars_os())?))
    }

    fn among(place: &Place, variables: &BTreeMap<String, Secret>) -> Self {
        let variable = || variables.get(variables::CONFIG).map(|path| PathBuf::from(path.expose()));
        let asked = place.config.clone().or_else(variable);
        ConfigFile { asked: asked.is_some(), path: asked.unwrap_or_else(|| CONFIG.into()) }
    }

    /// What it says; nothing where it is not there and may be missing.
    fn read(&self, may_be_missing: bool) -> Result<Layer> {
        match std::fs::read_to_string(&self.path).map(Secret::new) {
            Ok(text) => read_config(&self.path, text.expose()),
            Err(error) if error.kind() == NotFound && may_be_missing => Ok(Layer::default()),
            Err(error) => Err(unreadable(&self.path, &error)),
        }
    }
}

/// Everything that was said, beside the flags in `flags`. A config file that was asked for must
/// be there; the usual one need not.
pub(super) fn gather(place: &Place, flags: Layer) -> Result<Sources> {
    gather_with(place, flags, |file| !file.asked)
}

/// The same for whoever makes the config file.
pub(super) fn gather_to_write(place: &Place, flags: Layer) -> Result<Sources> {
    gather_with(place, flags, |_| true)
}

fn gather_with(
    place: &Place,
    mut flags: Layer,
    may_be_missing: impl FnOnce(&ConfigFile) -> bool,
) -> Result<Sources> {
    place.say(&mut flags);
    let variables = variables::read(std::env::vars_os())?;
    let file = ConfigFile::among(place, &variables);
    let file = file.read(may_be_missing(&file))?;
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
        let file = ConfigFile::among(&place, &variables);
        assert!(file.asked);
        assert_eq!(file.read(false).expect_err("missing").code, "config-file");
        assert!(file.read(true).is_ok(), "whoever makes it needs none");
    }
}
