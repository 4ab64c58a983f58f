//! The variables of the environment that Moorline reads.

use std::collections::BTreeMap;
use std::ffi::OsString;

use provider_api::{Error, Result, Secret};

use crate::providers::PLUGIN_DIR;
use crate::settings::{Origin, VPN_AUTH_FILE_VARIABLES, VPN_AUTH_VARIABLES, Word};

/// Names the config file.
pub(super) const CONFIG: &str = "MOORLINE_CONFIG";
/// Says what is logged.
pub(super) const LOG: &str = "MOORLINE_LOG";

/// Those of ours that hold something.
///
/// Other names are left alone, whatever they begin with: a Kubernetes Service called `moorline`
/// sets some, and a reference `env:NAME` points at one. Only what is almost a name of ours is taken
/// for a slip.
///
/// # Errors
/// A value that is no text, and a name that is almost one of ours.
pub(super) fn read(
    all: impl Iterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<String, Secret>> {
    let known = known();
    let mut ours = BTreeMap::new();
    for (name, value) in all.filter(|(_, value)| !value.is_empty()) {
        let Some(name) = name.to_str() else { continue };
        if known.iter().any(|one| one == name) {
            ours.insert(name.to_owned(), text(name, value)?);
        } else if let Some(meant) = almost(name, &known) {
            return Err(slip(name, meant));
        }
    }
    Ok(ours)
}

fn known() -> Vec<String> {
    let words = Word::ALL.into_iter().map(Word::variable);
    let others = VPN_AUTH_VARIABLES
        .into_iter()
        .chain(VPN_AUTH_FILE_VARIABLES)
        .chain([CONFIG, LOG, PLUGIN_DIR]);
    words.chain(others.map(str::to_owned)).collect()
}

/// The known name that this one was meant to be: one slip for every eight letters at most.
fn almost<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let distance = |one: &str| strsim::damerau_levenshtein(one, name);
    let nearest = known.iter().map(String::as_str).min_by_key(|one| distance(one))?;
    (distance(nearest) <= nearest.len() / 8).then_some(nearest)
}

fn slip(name: &str, meant: &str) -> Error {
    let what = format!("no setting has this name, but {meant} is one");
    let fix = format!("rename it to {meant}, or unset {name}");
    Origin::Environment(name.to_owned()).error("variable-unknown", what).fix(fix)
}

fn text(name: &str, value: OsString) -> Result<Secret> {
    value.into_string().map(Secret::new).map_err(|_| {
        Origin::Environment(name.to_owned())
            .error("not-text", "the value is no text")
            .fix(format!("unset {name}, or set it to text"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> Result<BTreeMap<String, Secret>> {
        read([(name.into(), value.into())].into_iter())
    }

    #[test]
    fn every_known_name_is_read_and_an_empty_one_says_nothing() {
        for name in known() {
            assert!(one(&name, "x").expect(&name).contains_key(&name), "{name}");
            assert!(one(&name, "").expect(&name).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_slip_is_an_error_that_names_what_was_meant() {
        for (name, meant) in [
            ("MOORLINE_POD_CIRD", "MOORLINE_POD_CIDR"),
            ("MOORLINE_POD_CIDRS", "MOORLINE_POD_CIDR"),
            ("MOORLINE_PODCIDR", "MOORLINE_POD_CIDR"),
            ("MOORLINE_CLUSTER_CIDRS", "MOORLINE_CLUSTER_CIDR"),
            ("MOORLINE_VPNAUTH", "MOORLINE_VPN_AUTH"),
            ("MOORLINE_STATEDIR", "MOORLINE_STATE_DIR"),
            ("MOORLINE_CONFG", "MOORLINE_CONFIG"),
            ("MOORLINE_LOGS", "MOORLINE_LOG"),
            ("MORLINE_MODE", "MOORLINE_MODE"),
            ("K3S_VPN_AUHT", "K3S_VPN_AUTH"),
            ("K3S_VPN_AUTH_FLIE", "K3S_VPN_AUTH_FILE"),
        ] {
            let error = one(name, "x").expect_err(name);
            assert_eq!(error.code, "variable-unknown");
            assert_eq!(error.fix, Some(format!("rename it to {meant}, or unset {name}")));
        }
        assert!(one("MOORLINE_POD_CIRD", "").expect("nothing was said").is_empty());
    }

    /// `node.env` is read into the environment of others, who may start moorline in turn.
    #[test]
    fn what_the_service_tells_of_the_node_is_no_setting() {
        let env = include_str!("../../docs/reference/control-socket.md");
        let lines: Vec<_> = env.lines().filter_map(|line| line.split_once('=')).collect();
        let told: Vec<_> = lines.iter().filter(|(name, _)| name.starts_with("MOORLINE_")).collect();
        assert!(told.len() > 6, "{told:?}");
        for (name, value) in told {
            assert!(one(name, value).expect(name).is_empty(), "{name}");
        }
    }

    #[test]
    fn what_others_set_is_left_alone() {
        for name in [
            "HOME",
            "K3S_TOKEN",
            "K3S_URL",
            "MOORLINE_AUTH_KEY",
            "MOORLINE_KEY",
            "MOORLINE_PORT",
            "MOORLINE_PORT_443_TCP_ADDR",
            "MOORLINE_SERVICE_HOST",
            "MOORLINE_SERVICE_PORT",
            "MOORLINE_SERVICE_PORT_HTTPS",
            "MOORLINE_TAG",
            "MOORLINE_VERSION",
        ] {
            assert!(one(name, "x").expect(name).is_empty(), "{name}");
        }
    }
}
