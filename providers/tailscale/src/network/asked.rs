//! What is asked of the preferences: what is ours, what the operator adds, and what of that
//! depends on how the node stands. Pure.

use std::collections::{BTreeMap, BTreeSet};

use provider_api::{Desired, Enrolment, Error, ErrorKind, Result, RouteMode};
use serde_json::{Value, json};

use crate::client::{PeerStatus, Status};
use crate::prefs::{Prefs, Want, wanted};
use crate::settings::Settings;

const TAGS: &str = "AdvertiseTags";

/// The preferences to hold, before looking at the node.
pub(crate) fn settings(
    mode: RouteMode,
    enrolment: Enrolment,
    settings: &Settings,
) -> BTreeMap<String, Value> {
    let mut asked = wanted(mode, enrolment, &settings.extra.settings);
    if let (Enrolment::Ours, Some(name)) = (enrolment, &settings.node_name) {
        asked.entry("Hostname".to_owned()).or_insert_with(|| json!(name));
    }
    asked
}

/// The whole of what is asked of a node. What only a member can be asked about, tags and exit
/// nodes, is looked at on a member alone.
pub(super) fn want(
    desired: &Desired,
    enrolment: Enrolment,
    chosen: &Settings,
    status: &Status,
    prefs: &Prefs,
) -> Result<Want> {
    let mut settings = settings(desired.mode, enrolment, chosen);
    if status.backend_state.is_member() {
        check_tags(&mut settings, status, prefs)?;
        let exit_node = chosen.extra.exit_node.as_deref();
        settings.extend(exit_node.map(|node| exit_node_setting(node, status)).transpose()?);
    }
    let mut routes = chosen.extra.routes.clone();
    if desired.mode == RouteMode::Routed {
        routes.extend(&desired.pod_cidrs);
    }
    Ok(Want { settings, routes })
}

/// Tags are given at the login alone: a key that carries them settles it, as does a login
/// that asked for them.
fn check_tags(
    settings: &mut BTreeMap<String, Value>,
    status: &Status,
    prefs: &Prefs,
) -> Result<()> {
    let Some(asked) = settings.get(TAGS) else { return Ok(()) };
    if asked == prefs.value(TAGS) {
        return Ok(());
    }
    let held = status.this.as_ref().and_then(|this| this.tags.clone()).unwrap_or_default();
    let held: BTreeSet<&str> = held.iter().map(String::as_str).collect();
    let tags: Vec<&str> =
        asked.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !tags.iter().all(|tag| held.contains(tag)) {
        return Err(tags_need_login(&tags));
    }
    settings.remove(TAGS);
    Ok(())
}

fn tags_need_login(tags: &[&str]) -> Error {
    let tags = tags.join(",");
    Error::new(
        ErrorKind::Conflict,
        "tags-need-login",
        format!("this node is enrolled without the tags {tags} that --advertise-tags asks for"),
    )
    .fix(format!(
        "headscale: headscale nodes tag --identifier ID --tags {tags}\n\
         Tailscale: edit the device's tags at https://login.tailscale.com/admin/machines\n\
         or leave --advertise-tags out"
    ))
}

fn exit_node_setting(wanted: &str, status: &Status) -> Result<(String, Value)> {
    Ok(match wanted {
        "auto:any" => ("AutoExitNode".to_owned(), json!("any")),
        "" => ("ExitNodeID".to_owned(), json!("")),
        name => ("ExitNodeID".to_owned(), json!(exit_node(name, status)?)),
    })
}

fn exit_node(wanted: &str, status: &Status) -> Result<String> {
    let matches = |peer: &&PeerStatus| {
        let by_address = peer.addresses().iter().any(|address| address.to_string() == wanted);
        by_address || peer.name() == wanted || peer.host_name == wanted
    };
    let peers = status.peer.iter().flat_map(BTreeMap::values);
    let found = peers.filter(|peer| peer.exit_node_option).find(matches);
    found.map(|peer| peer.id.clone()).ok_or_else(|| {
        let what = format!("no node of this tailnet offers to be the exit node `{wanted}`");
        Error::settings("exit-node-unknown", what).fix("tailscale exit-node list")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use provider_api::ProviderSettings;
    use std::time::Duration;

    fn chosen(extra: &[&str]) -> Settings {
        Settings::parse(&ProviderSettings {
            network: "default".parse().unwrap(),
            cluster_cidrs: vec![],
            values: BTreeMap::new(),
            secrets: BTreeSet::new(),
            extra_args: extra.iter().map(ToString::to_string).collect(),
            node_name: Some("node-3".to_owned()),
            allow_move: false,
            allow_rejoin: false,
            join_deadline: Duration::from_secs(60),
        })
        .unwrap()
    }

    fn status() -> Status {
        serde_json::from_value(json!({
            "BackendState": "Running",
            "Self": {"Tags": ["tag:k8s"]},
            "Peer": {"nodekey:1": {"ID": "7", "HostName": "exit", "ExitNodeOption": true,
                                   "TailscaleIPs": ["100.64.0.7"]}},
        }))
        .unwrap()
    }

    fn asked(extra: &[&str], mode: RouteMode) -> Result<Want> {
        let desired = Desired {
            mode,
            pod_cidrs: vec!["10.42.3.0/24".parse().unwrap()],
            cluster_cidrs: vec![],
        };
        want(&desired, Enrolment::Adopted, &chosen(extra), &status(), &Prefs::default())
    }

    #[test]
    fn an_underlay_advertises_no_pods() {
        assert_eq!(asked(&[], RouteMode::Underlay).unwrap(), Want::default());
        let routed = asked(&["--advertise-routes=192.168.7.0/24"], RouteMode::Routed).unwrap();
        let routes: Vec<String> = routed.routes.iter().map(ToString::to_string).collect();
        assert_eq!(routes, ["192.168.7.0/24", "10.42.3.0/24"]);
    }

    #[test]
    fn an_adopted_node_keeps_its_name() {
        let settings = |enrolment| settings(RouteMode::Underlay, enrolment, &chosen(&[]));
        assert!(!settings(Enrolment::Adopted).contains_key("Hostname"));
        assert_eq!(settings(Enrolment::Ours)["Hostname"], json!("node-3"));
    }

    #[test]
    fn tags_of_the_key_settle_what_was_asked() {
        let settled = asked(&["--advertise-tags=tag:k8s"], RouteMode::Underlay).unwrap();
        assert_eq!(settled, Want::default());
        let error = asked(&["--advertise-tags=tag:web"], RouteMode::Underlay).unwrap_err();
        assert_eq!(error.code, "tags-need-login");
    }

    #[test]
    fn a_node_that_is_no_member_yet_is_not_judged() {
        let desired =
            Desired { mode: RouteMode::Underlay, pod_cidrs: vec![], cluster_cidrs: vec![] };
        let chosen = chosen(&["--advertise-tags=web", "--exit-node=other"]);
        let (status, prefs) = (Status::default(), Prefs::default());
        let want = want(&desired, Enrolment::Ours, &chosen, &status, &prefs).unwrap();
        assert_eq!(want.settings[TAGS], json!(["tag:web"]));
    }

    #[test]
    fn an_exit_node_is_found_by_name_and_address() {
        for name in ["exit", "100.64.0.7"] {
            let want = asked(&["--exit-node", name], RouteMode::Underlay).unwrap();
            assert_eq!(want.settings, [("ExitNodeID".to_owned(), json!("7"))].into());
        }
        let error = asked(&["--exit-node=other"], RouteMode::Underlay).unwrap_err();
        assert_eq!(error.code, "exit-node-unknown");
    }
}
