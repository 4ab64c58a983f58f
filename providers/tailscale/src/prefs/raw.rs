//! The preferences as tailscaled sends them.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::control_url::{ControlKind, ControlUrl};

/// tailscaled's preferences (`ipn/prefs.go:59`), as the raw JSON object: a key that this
/// version of Moorline does not know comes back to the daemon as it was.
///
/// A preference is named by its JSON key, and one inside an object by both keys with a dot
/// between, such as `AutoUpdate.Apply`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Prefs(pub(super) Map<String, Value>);

impl Prefs {
    /// The value of a preference; null where it is absent, as tailscaled itself reads it.
    pub(crate) fn value(&self, name: &str) -> &Value {
        let found = match name.split_once('.') {
            Some((outer, inner)) => self.0.get(outer).and_then(|object| object.get(inner)),
            None => self.0.get(name),
        };
        found.unwrap_or(&Value::Null)
    }

    /// The same preferences with one of them set.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        match name.split_once('.') {
            Some((outer, inner)) => {
                let object = self.0.entry(outer).or_insert_with(|| Value::Object(Map::new()));
                if !object.is_object() {
                    *object = Value::Object(Map::new());
                }
                object[inner] = value;
            }
            None => {
                self.0.insert(name.to_owned(), value);
            }
        }
        self
    }

    /// The preferences without the login's identity, which tailscaled keeps to itself.
    pub(crate) fn without_identity(mut self) -> Self {
        self.0.remove("Config");
        self
    }

    /// Whether a yes-or-no preference is on. `opt.Bool`'s null counts as off.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.value(name) == &Value::Bool(true)
    }

    /// The control server, as tailscaled has it; empty for Tailscale's own.
    pub(crate) fn control_url(&self) -> &str {
        self.value("ControlURL").as_str().unwrap_or_default()
    }

    /// The control server, spelled out for people.
    pub(crate) fn shown_server(&self) -> String {
        let url = self.control_url();
        url.parse::<ControlUrl>().map_or_else(|_| url.to_owned(), |url| url.to_string())
    }

    /// Whether the control server is this one.
    pub(crate) fn belongs_to(&self, server: &ControlUrl) -> bool {
        self.control_url().parse::<ControlUrl>().is_ok_and(|url| &url == server)
    }

    /// Whether the control server is Tailscale's own.
    pub(crate) fn belongs_to_tailscale(&self) -> bool {
        let server = self.control_url().parse::<ControlUrl>();
        server.is_ok_and(|server| server.kind() == ControlKind::Tailscale)
    }

    /// Whether a new connection to the control server may be the last one until tailscaled is
    /// restarted.
    pub(crate) fn must_not_reconnect(&self) -> bool {
        let server = self.control_url().parse::<ControlUrl>();
        server.is_ok_and(|server| server.is_http_on_public_address())
    }

    /// Every prefix that the node offers to the network.
    pub(crate) fn advertised(&self) -> Vec<IpNet> {
        self.value("AdvertiseRoutes")
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|route| route.as_str()?.parse().ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn prefs(value: Value) -> Prefs {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_dotted_name_reaches_into_an_object() {
        let before = prefs(json!({"AutoUpdate": {"Check": true, "Apply": null}}));
        let after = before.with("AutoUpdate.Apply", json!(true));
        assert_eq!(after, prefs(json!({"AutoUpdate": {"Check": true, "Apply": true}})));
        assert_eq!(after.value("AutoUpdate.Check"), &json!(true));
        assert_eq!(prefs(json!({})).with("A.B", json!(1)), prefs(json!({"A": {"B": 1}})));
    }

    #[test]
    fn unknown_preferences_survive() {
        let text = r#"{"FromTheFuture":{"x":[1,null]},"RouteAll":false}"#;
        let prefs: Prefs = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&prefs).unwrap(), text);
    }

    #[test]
    fn control_servers_are_compared_by_what_they_mean() {
        let at = |url: &str| Prefs::default().with("ControlURL", json!(url));
        let tailscale: ControlUrl = "".parse().unwrap();
        assert!(at("https://controlplane.tailscale.com").belongs_to(&tailscale));
        assert!(at("").belongs_to(&tailscale) && Prefs::default().belongs_to(&tailscale));
        assert!(at("http://hs:8080/").belongs_to(&"http://hs:8080".parse().unwrap()));
        assert!(!at("http://hs:8081").belongs_to(&"http://hs:8080".parse().unwrap()));
        assert!(!at("nonsense").belongs_to(&tailscale));
    }
}
