//! The suite, on the provider that lives in memory: whole, and with a flaw; in this process, and
//! over the wire.

mod flaws;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use provider_api::{Desired, Provider, ProviderSettings, RouteMode, Secret};
use serde_json::{Value, json};
use testenv::conformance::Subject;
use testenv::fake::{self, FakePlugin, FakeProvider, FakeWorld, JOIN_KEY, KeyFate};

/// A node of the fake VPN, seen through a provider that may have a flaw.
struct Fake {
    world: FakeWorld,
    provider: Box<dyn Provider>,
    /// What the provider is served by, where that is another process.
    plugin: Option<Arc<FakePlugin>>,
}

impl Fake {
    fn fresh() -> Fake {
        Fake::seen_through(|whole| Box::new(whole))
    }

    fn seen_through(flawed: impl FnOnce(FakeProvider) -> Box<dyn Provider>) -> Fake {
        let world = FakeWorld::default();
        Fake { provider: flawed(FakeProvider::new(world.clone())), world, plugin: None }
    }
}

fn settings(values: &[(&str, &str)]) -> ProviderSettings {
    let values = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    ProviderSettings {
        network: "fake".parse().expect("a label"),
        cluster_cidrs: Vec::new(),
        values: values.collect(),
        secrets: ["joinKey".to_owned()].into(),
        extra_args: Vec::new(),
        node_name: None,
        allow_move: false,
        allow_rejoin: false,
        join_deadline: Duration::from_secs(5),
    }
}

fn wish(number: u8) -> Desired {
    Desired {
        mode: RouteMode::Routed,
        pod_cidrs: vec![fake::pod_cidr(number)],
        cluster_cidrs: vec!["10.42.0.0/16".parse().expect("a net")],
    }
}

#[async_trait]
impl Subject for Fake {
    fn provider(&self) -> &dyn Provider {
        &*self.provider
    }

    fn settings(&self) -> ProviderSettings {
        settings(&[("controlServerURL", "fake://server")])
    }

    fn secrets(&self) -> BTreeMap<String, Secret> {
        [("joinKey".to_owned(), Secret::new(JOIN_KEY))].into()
    }

    fn wrong_settings(&self) -> Vec<(ProviderSettings, String)> {
        vec![
            (settings(&[("controlServerURL", "http://")]), "controlServerURL".into()),
            (settings(&[("colour", "red")]), "colour".into()),
        ]
    }

    fn wishes(&self) -> [Desired; 2] {
        [wish(1), wish(2)]
    }

    async fn world(&self) -> Value {
        self.world.snapshot()
    }

    async fn is_enrolled(&self) -> bool {
        self.world.is_enrolled()
    }

    async fn enrol_by_hand(&self) {
        let lan = "192.168.7.0/24".parse().expect("a net");
        self.world.enrol_by_hand(&[lan], &[("name", json!("theirs"))]);
    }

    async fn refuse_key(&self, way: usize) -> bool {
        let fates = [KeyFate::Expired, KeyFate::UsedUp];
        fates.get(way).inspect(|fate| self.world.key(**fate)).is_some()
    }

    async fn disturb(&self) {
        if self.plugin.is_some() {
            wire::catch_up(&*self.provider);
        }
        self.world.peer(fake::peer("other", 2, &[fake::pod_cidr(9)]));
    }
}

testenv::conformance_suite!(async { Fake::fresh() });
