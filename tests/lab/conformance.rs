//! The promises of the contract, kept by the tailscale provider on the real daemons.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use provider_api::{Desired, Provider, ProviderSettings, RouteMode, Secret};
use provider_tailscale::TailscaleProvider;
use serde_json::{Value, json};
use testenv::conformance::Subject;
use testenv::{Headscale, Host, Lab, Tailscaled};

use crate::node::prefs;
use crate::scene::AUTO_APPROVED;

/// A node with a control server of its own, and a provider in the test's own process that
/// works on that node's network.
struct Node {
    provider: TailscaleProvider,
    key: Mutex<String>,
    tailscaled: Tailscaled,
    host: Host,
    headscale: Headscale,
    /// Goes last.
    _lab: Lab,
}

impl Node {
    fn fresh() -> Node {
        let lab = Lab::new("conformance").expect("asked before whether it is possible");
        let headscale = lab.headscale().policy(AUTO_APPROVED).start();
        let key = Mutex::new(headscale.user("k8s").reusable_key().secret().to_owned());
        let host = lab.host("a").start();
        let tailscaled = host.tailscaled();
        host.enter();
        let provider = TailscaleProvider::new().expect("a provider");
        Node { provider, key, tailscaled, host, headscale, _lab: lab }
    }

    fn key(&self) -> String {
        self.key.lock().expect("the key").clone()
    }

    fn settings_with(&self, key: &str, value: &str) -> ProviderSettings {
        let mut settings = self.settings();
        settings.values.insert(key.to_owned(), value.to_owned());
        settings
    }
}

fn wish(number: u8) -> Desired {
    let net = |text: String| text.parse().expect("a net");
    Desired {
        mode: RouteMode::Routed,
        pod_cidrs: vec![
            net(format!("10.42.{number}.0/24")),
            net(format!("2001:cafe:42:{number}::/64")),
        ],
        cluster_cidrs: vec![net("10.42.0.0/16".into()), net("2001:cafe:42::/48".into())],
    }
}

#[async_trait]
impl Subject for Node {
    fn provider(&self) -> &dyn Provider {
        &self.provider
    }

    fn settings(&self) -> ProviderSettings {
        let values = [
            ("controlServerURL", self.headscale.url()),
            ("socket", self.tailscaled.socket().display().to_string()),
        ];
        ProviderSettings {
            network: "tailscale".parse().expect("a label"),
            cluster_cidrs: wish(1).cluster_cidrs,
            values: values.map(|(key, value)| (key.to_owned(), value)).into(),
            secrets: ["joinKey".to_owned()].into(),
            extra_args: Vec::new(),
            node_name: None,
            allow_move: false,
            allow_rejoin: false,
            join_deadline: Duration::from_secs(30),
        }
    }

    fn secrets(&self) -> BTreeMap<String, Secret> {
        [("joinKey".to_owned(), Secret::new(self.key()))].into()
    }

    fn wrong_settings(&self) -> Vec<(ProviderSettings, String)> {
        let mut unknown_flag = self.settings();
        unknown_flag.extra_args = vec!["--colour=red".to_owned()];
        vec![
            (self.settings_with("controlServerURL", "foo"), "controlServerURL".into()),
            (self.settings_with("controlServerURL", "http://"), "controlServerURL".into()),
            (self.settings_with("socket", "tailscaled.sock"), "socket".into()),
            (unknown_flag, "--colour".into()),
        ]
    }

    fn wishes(&self) -> [Desired; 2] {
        [wish(1), wish(2)]
    }

    fn policy_servers(&self) -> Vec<String> {
        ["headscale", "tailscale"].map(str::to_owned).into()
    }

    async fn world(&self) -> Value {
        let rules = [self.host.ip("rule list"), self.host.ip("-6 rule list")];
        json!({ "rules": rules, "recorded": self.recorded().await })
    }

    async fn recorded(&self) -> Value {
        json!({ "prefs": prefs(&self.tailscaled), "tables": self.host.nft("list tables") })
    }

    async fn is_enrolled(&self) -> bool {
        self.tailscaled.status()["HaveNodeKey"] == json!(true)
    }

    async fn enrol_by_hand(&self) {
        self.tailscaled.tailscale(&[
            "up",
            &format!("--login-server={}", self.headscale.url()),
            &format!("--auth-key={}", self.key()),
            "--advertise-routes=192.168.7.0/24",
            "--hostname=theirs",
            "--timeout=30s",
        ]);
    }

    async fn refuse_key(&self, way: usize) -> bool {
        let user = self.headscale.user("other");
        let key = match way {
            0 => "hskey-auth-000000000000-none".to_owned(),
            1 => user.expired_key().secret().to_owned(),
            2 => self.used_key(),
            _ => return false,
        };
        *self.key.lock().expect("the key") = key;
        true
    }

    async fn disturb(&self) {
        self.tailscaled.tailscale(&["set", "--hostname=renamed"]);
    }
}

impl Node {
    /// A one-time key with which another node has joined.
    fn used_key(&self) -> String {
        let key = self.headscale.user("third").one_time_key();
        self._lab.host("b").start().tailscaled().join(&self.headscale, &key);
        key.secret().to_owned()
    }
}

testenv::conformance_suite!(async { Node::fresh() }, if Lab::is_possible("conformance"));
