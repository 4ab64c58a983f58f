//! What a fake tailscaled is told to do.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

/// How the daemon stands at first, what it plays when somebody logs in, and which calls it
/// answers otherwise than it should.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(super) status: Value,
    pub(super) prefs: Value,
    /// Played at the first login only, before the others.
    pub(super) prelude: Vec<Scene>,
    pub(super) login: Vec<Scene>,
    pub(super) replies: BTreeMap<String, VecDeque<Reply>>,
    pub(super) filter: Value,
    pub(super) open_bus: Vec<String>,
}

/// Something that happens during a login.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(super) after: Duration,
    pub(super) status: Value,
    pub(super) message: Option<Value>,
    pub(super) closes_bus: bool,
}

/// One answer that is not the usual one.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// This status and text.
    Text(u16, String),
    /// None, ever.
    Hang,
    /// None: the connection ends.
    Drop,
    /// The call is carried out, then the connection ends.
    CarryOutAndDrop,
    /// Half of a body, then the connection ends.
    Half,
}

impl Script {
    /// A daemon that never logged in.
    pub(crate) fn fresh() -> Self {
        Script {
            status: json!({
                "Version": "1.102.3-fake", "TUN": true, "BackendState": "NeedsLogin",
                "AuthURL": "", "TailscaleIPs": null, "FromTheFuture": {"x": [1]},
                "Self": {"ID": "", "HostName": "n1", "DNSName": "", "TailscaleIPs": null,
                         "Online": false, "LastHandshake": "0001-01-01T00:00:00Z"},
                "Health": [], "CurrentTailnet": null, "Peer": null, "User": null,
            }),
            prefs: default_prefs(),
            prelude: Vec::new(),
            login: Self::joining(),
            replies: BTreeMap::new(),
            filter: Value::Null,
            open_bus: Vec::new(),
        }
    }

    /// A daemon whose node is a member of the tailnet at this control server.
    pub(crate) fn member(server: &str) -> Self {
        let mut script = Self::fresh();
        merge(&mut script.status, &running());
        merge(&mut script.prefs, &json!({"ControlURL": server, "WantRunning": true}));
        script
    }

    /// What a login that goes well looks like, NeedsLogin in between included.
    fn joining() -> Vec<Scene> {
        let starting = json!({"BackendState": "Starting"});
        vec![
            Scene::say(json!({"State": 2})),
            Scene::say(json!({"LoginFinished": {}})).sets(json!({"HaveNodeKey": true})),
            Scene::say(json!({"State": 5})).sets(running()).sets(starting),
            Scene::say(json!({"State": 6})).sets(running()),
        ]
    }

    /// The same, with this in the status at first.
    pub(crate) fn status(mut self, patch: Value) -> Self {
        merge(&mut self.status, &patch);
        self
    }

    /// The same, with these preferences at first.
    pub(crate) fn prefs(mut self, patch: Value) -> Self {
        merge(&mut self.prefs, &patch);
        self
    }

    /// The same, playing these scenes when somebody logs in.
    pub(crate) fn login(self, login: Vec<Scene>) -> Self {
        Script { login, ..self }
    }

    /// The same, playing these scenes before the others at the first login.
    pub(crate) fn first(self, prelude: Vec<Scene>) -> Self {
        Script { prelude, ..self }
    }

    /// The same, answering the next call of this kind so, such as `PATCH prefs`.
    pub(crate) fn on(mut self, call: &str, reply: Reply) -> Self {
        self.replies.entry(call.to_owned()).or_default().push_back(reply);
        self
    }

    /// The same, with these packet filter rules.
    pub(crate) fn filter(self, filter: Value) -> Self {
        Script { filter, ..self }
    }

    /// The same, saying this line to whoever begins to listen, after the first message.
    pub(crate) fn greet(mut self, line: impl Into<String>) -> Self {
        self.open_bus.push(line.into());
        self
    }
}

impl Scene {
    /// Soon, this message.
    pub(crate) fn say(message: Value) -> Self {
        let after = Duration::from_millis(20);
        Scene { after, status: json!({}), message: Some(message), closes_bus: false }
    }

    /// Soon, an error message.
    pub(crate) fn error(text: &str) -> Self {
        Self::say(json!({"ErrMessage": text}))
    }

    /// Soon, this state: as number on the bus, as word in the status.
    pub(crate) fn state(number: u8, word: &str) -> Self {
        Self::say(json!({"State": number})).sets(json!({"BackendState": word}))
    }

    /// Soon, the end of every notification stream.
    pub(crate) fn close_bus() -> Self {
        Scene { message: None, closes_bus: true, ..Self::say(Value::Null) }
    }

    /// The same scene, which also changes the status.
    pub(crate) fn sets(mut self, status: Value) -> Self {
        merge(&mut self.status, &status);
        self
    }

    /// The same scene, later.
    pub(crate) fn after(self, after: Duration) -> Self {
        Scene { after, ..self }
    }
}

impl Reply {
    /// This status, with an error as tailscaled writes it into JSON.
    pub(crate) fn error(status: u16, text: &str) -> Self {
        Reply::Text(status, json!({"Error": text}).to_string())
    }

    /// This status and text.
    pub(crate) fn text(status: u16, text: &str) -> Self {
        Reply::Text(status, text.to_owned())
    }
}

/// A health message with the warning `login-state`, or without any.
pub(crate) fn health(error: Option<&str>) -> Value {
    let warning = error.map(|error| {
        json!({"login-state": {"WarnableCode": "login-state", "Severity": "medium",
            "Text": format!("You are logged out. The last login error was: {error}"),
            "Args": {"error": error}}})
    });
    json!({"Health": {"Warnings": warning}})
}

/// A member. Its address is one that the machine has, so that an interface carries it.
fn running() -> Value {
    json!({
        "BackendState": "Running", "HaveNodeKey": true, "AuthURL": "",
        "TailscaleIPs": ["127.0.0.1"],
        "Self": {"ID": "7", "HostName": "n1", "DNSName": "n1.tail.net.", "Online": true,
                 "TailscaleIPs": ["127.0.0.1"], "AllowedIPs": ["127.0.0.1/32"]},
    })
}

/// As a daemon without state has them, and one that no version knows yet.
fn default_prefs() -> Value {
    json!({
        "ControlURL": "", "RouteAll": false, "ExitNodeID": "", "ExitNodeIP": "",
        "ExitNodeAllowLANAccess": false, "CorpDNS": true, "RunSSH": false, "WantRunning": false,
        "LoggedOut": true, "ShieldsUp": false, "AdvertiseTags": null, "Hostname": "",
        "AdvertiseRoutes": null, "NoSNAT": false, "NoStatefulFiltering": true, "NetfilterMode": 2,
        "AutoUpdate": {"Check": true, "Apply": null}, "AppConnector": {"Advertise": false},
        "PostureChecking": false, "FromTheFuture": {"keep": ["me", null]},
        "Config": {"PrivateNodeKey": "privkey:00"},
    })
}

/// Puts what `patch` holds into `target`, object by object.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (name, value) in patch {
                merge(target.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}
