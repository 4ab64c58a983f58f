//! The settings, as they are shown: each with its origin, and no secret.

use std::time::Duration;

use jiff::SignedDuration;
use provider_api::RouteMode;
use serde::{Deserialize, Serialize};

use super::{Settings, Sourced};
use crate::stage::Stage;

/// One setting, as it is shown. A secret is shown as its reference, never as itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its name, as in the config file.
    pub name: String,
    /// Its value, as it could be typed.
    pub value: String,
    /// Where it was said.
    pub origin: String,
}

/// The settings, in the order of the reference.
pub fn rows(settings: &Settings) -> Vec<Row> {
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
    let stage =
        |stage: &Option<Stage>| stage.map_or_else(|| "none".to_owned(), |stage| stage.to_string());
    rows.push(shown("wait", &settings.wait, stage));
    rows.push(shown("wait-for", &settings.wait_for, typed));
    rows.push(shown("join-deadline", &settings.join_deadline, typed));
    rows.push(row("move", &settings.allow_move));
    rows.push(row("rejoin", &settings.allow_rejoin));
    rows.extend(settings.restart_command.iter().map(|command| list("restart-command", command)));
    rows.extend(settings.metrics.iter().map(|address| row("metrics", address)));
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
    Row { name: name.to_owned(), value: value(&said.value), origin: said.origin.to_string() }
}

/// A span of time as it could be typed, such as `2m`.
fn typed(span: &Duration) -> String {
    SignedDuration::try_from(*span)
        .map_or_else(|_| "forever".to_owned(), |span| format!("{span:#}"))
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

    #[test]
    fn a_span_is_shown_as_it_could_be_typed() {
        for (seconds, text) in [(120, "2m"), (90, "1m 30s"), (3600, "1h")] {
            assert_eq!(typed(&Duration::from_secs(seconds)), text);
        }
    }
}
