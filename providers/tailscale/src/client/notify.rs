//! One message of the notification stream (`ipn/backend.go:300`).

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::health::Health;
use super::status::State;

/// What changed. Large parts that nobody here reads are skipped while parsing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Notify {
    /// An error for people; not always about the login.
    pub(crate) err_message: Option<String>,
    /// A login came to its end.
    pub(crate) login_finished: Option<IgnoredAny>,
    /// The daemon's state.
    pub(crate) state: Option<State>,
    /// A page that somebody must open.
    #[serde(rename = "BrowseToURL")]
    pub(crate) browse_to_url: Option<String>,
    /// The full set of health warnings.
    pub(crate) health: Option<Health>,
    prefs: Option<IgnoredAny>,
    net_map: Option<IgnoredAny>,
    self_change: Option<IgnoredAny>,
    peers_changed: Option<IgnoredAny>,
    peers_removed: Option<IgnoredAny>,
    peer_changed_patch: Option<IgnoredAny>,
}

impl Notify {
    /// Whether anything changed that a status would show. Many messages carry nothing.
    pub(crate) fn is_news(&self) -> bool {
        let parts = [
            self.err_message.is_some(),
            self.login_finished.is_some(),
            self.state.is_some(),
            self.browse_to_url.is_some(),
            self.health.is_some(),
            self.prefs.is_some(),
            self.net_map.is_some(),
            self.self_change.is_some(),
            self.peers_changed.is_some(),
            self.peers_removed.is_some(),
            self.peer_changed_patch.is_some(),
        ];
        parts.contains(&true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notify(text: &str) -> Notify {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_message_of_nulls_is_no_news() {
        let bare = notify(
            r#"{"Version":"1","ErrMessage":null,"LoginFinished":null,"State":null,"Prefs":null,
                "NetMap":null,"Engine":{"RBytes":0},"BrowseToURL":null,"DriveShares":[]}"#,
        );
        assert!(!bare.is_news());
        assert!(notify(r#"{"PeersChanged":[{"ID":1}]}"#).is_news());
        assert!(notify(r#"{"LoginFinished":{}}"#).is_news());
    }

    #[test]
    fn the_login_error_is_in_the_health() {
        let text = r#"{"Health":{"Warnings":{"login-state":{"WarnableCode":"login-state",
            "Severity":"medium","Args":{"error":"authkey expired"}}}}}"#;
        assert_eq!(notify(text).health.unwrap().login_error(), Some("authkey expired"));
        let healthy = notify(r#"{"Health":{"Warnings":null}}"#).health.unwrap();
        assert_eq!(healthy.login_error(), None);
    }

    #[test]
    fn a_state_is_a_number_here_and_a_word_elsewhere() {
        assert_eq!(notify(r#"{"State":6}"#).state, Some(State::Running));
        assert_eq!(notify(r#"{"State":42}"#).state, Some(State::Other("42".into())));
    }
}
