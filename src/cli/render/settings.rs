//! What `--dry-run` shows: each setting with its origin.

use provider_api::RouteMode;
use serde::Serialize;

use super::{findings, table, time};
use crate::settings::{Origin, Settings, Sourced};

/// One setting, as it is shown. A secret is shown as its reference, never as itself.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Row {
    name: String,
    value: String,
    origin: Origin,
}

/// The settings and what is worth knowing about them, for people.
pub(in crate::cli) fn text(settings: &Settings) -> String {
    let row = |Row { name, value, origin }| [name, value, origin.to_string()];
    let rows = rows(settings).into_iter().map(row).collect();
    let table = table::text(["SETTING", "VALUE", "ORIGIN"], rows);
    format!("{}\n{}", table.trim_start(), findings::text(&settings.findings))
}

/// The settings, in the order of the reference.
pub(in crate::cli) fn rows(settings: &Settings) -> Vec<Row> {
    let mut rows = vec![row("provider", &settings.provider)];
    rows.extend(settings.keys.iter().map(|(key, value)| row(key, value)));
    rows.extend(settings.secrets.iter().map(|(key, secret)| row(key, secret)));
    rows.push(list("extraArgs", &settings.extra_args));
    rows.extend(settings.node_name.iter().map(|name| row("node-name", name)));
    rows.push(row("cluster", &settings.cluster));
    rows.push(list("cluster-cidr", &settings.cluster_cidrs));
    rows.push(list("service-cidr", &settings.service_cidrs));
    rows.push(list("pod-cidr", &settings.pod_cidrs));
    rows.push(shown("mode", &settings.mode, |mode| mode_word(*mode).to_owned()));
    rows.push(row("pod-bridge", &settings.pod_bridge));
    let stage = |stage: &Option<crate::host::Stage>| {
        stage.map_or_else(|| "none".to_owned(), |stage| stage.to_string())
    };
    rows.push(shown("wait", &settings.wait, stage));
    rows.push(shown("wait-for", &settings.wait_for, |time| time::span(*time)));
    rows.push(shown("join-deadline", &settings.join_deadline, |time| time::span(*time)));
    rows.push(row("move", &settings.allow_move));
    rows.push(row("rejoin", &settings.allow_rejoin));
    rows.extend(settings.restart_command.iter().map(|command| list("restart-command", command)));
    rows.push(shown("state-dir", &settings.state_dir, |path| path.display().to_string()));
    rows.push(shown("run-dir", &settings.run_dir, |path| path.display().to_string()));
    rows
}

fn row<T: ToString>(name: &str, said: &Sourced<T>) -> Row {
    shown(name, said, T::to_string)
}

fn list<T: ToString>(name: &str, said: &Sourced<Vec<T>>) -> Row {
    shown(name, said, |values| match values.as_slice() {
        [] => "none".to_owned(),
        values => values.iter().map(T::to_string).collect::<Vec<_>>().join(" "),
    })
}

fn shown<T>(name: &str, said: &Sourced<T>, value: impl FnOnce(&T) -> String) -> Row {
    Row { name: name.to_owned(), value: value(&said.value), origin: said.origin.clone() }
}

fn mode_word(mode: RouteMode) -> &'static str {
    match mode {
        RouteMode::Routed => "routed",
        RouteMode::Underlay => "underlay",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Layer, Sources, VpnAuth, Word, example, resolve};
    use anstream::adapter::strip_str;

    const SECRET: &str = "tskey-auth-k1T9X6";

    fn settings() -> Settings {
        let mut flags = Layer::default();
        let text = format!("name=tailscale,joinKey={SECRET},extraArgs=--ssh --accept-dns=false");
        flags.vpn_auth.push(VpnAuth::cut(&text, Origin::Environment("K3S_VPN_AUTH".into())));
        flags.say(Word::PodCidr, ["10.42.3.0/24".to_owned()], Origin::Flag("--pod-cidr".into()));
        let sources = Sources { flags, ..Sources::default() };
        resolve(&sources, &[example::manifest("tailscale")]).expect("settings")
    }

    #[test]
    fn a_dry_run() {
        let text = text(&settings());
        let expected = "\
SETTING        VALUE                     ORIGIN
provider       tailscale                 environment K3S_VPN_AUTH
joinKey        (literal, not shown)      environment K3S_VPN_AUTH
extraArgs      --ssh --accept-dns=false  environment K3S_VPN_AUTH
cluster        default                   default
cluster-cidr   10.42.0.0/16              default
service-cidr   10.43.0.0/16              default
pod-cidr       10.42.3.0/24              flag --pod-cidr
mode           routed                    default
pod-bridge     moorline0                 default
wait           proven                    default
wait-for       2 min                     default
join-deadline  1 min                     default
move           false                     default
rejoin         false                     default
state-dir      /var/lib/moorline         default
run-dir        /run/moorline             default

warning[literal-key]: environment K3S_VPN_AUTH: `joinKey` holds the secret itself
";
        let text = strip_str(&text).to_string();
        assert!(text.starts_with(expected), "{text}");
        assert!(!text.contains(SECRET), "{text}");
    }

    #[test]
    fn the_same_in_json_says_where() {
        let json = serde_json::to_value(rows(&settings())).expect("JSON");
        assert_eq!(json[6]["origin"], "flag --pod-cidr");
        assert!(!json.to_string().contains(SECRET));
    }
}
