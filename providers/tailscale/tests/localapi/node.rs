//! A node with Moorline on it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use provider_api::{
    Error, Membership, Network, Observed, Provider, ProviderSettings, Result, Secret, Step,
    StepState,
};
use provider_tailscale::TailscaleProvider;
use testenv::MemoryHost;

use crate::fake::FakeTailscaled;

pub(crate) const SERVER: &str = "http://10.0.0.5:8080";
pub(crate) const KEY: &str = "hskey-auth-hunter2-hunter2";

/// A join longer than this is a test that failed.
const LIMIT: Duration = Duration::from_secs(60);

/// A node with Moorline on it, and a key to join with unless said otherwise.
pub(crate) struct Node {
    settings: ProviderSettings,
    host: Arc<MemoryHost>,
}

impl Node {
    pub(crate) fn new(fake: &FakeTailscaled) -> Self {
        Self::at(fake.socket())
    }

    /// The same, with the daemon at this socket.
    pub(crate) fn at(socket: &Path) -> Self {
        let socket = socket.to_str().expect("a path").to_owned();
        let settings = ProviderSettings {
            network: "default".parse().expect("a name"),
            values: [("socket", socket), ("controlServerURL", SERVER.to_owned())]
                .map(|(key, value)| (key.to_owned(), value))
                .into(),
            secrets: ["joinKey".to_owned()].into(),
            cluster_cidrs: vec!["10.42.0.0/16".parse().expect("a CIDR")],
            extra_args: Vec::new(),
            node_name: None,
            allow_move: false,
            allow_rejoin: false,
            join_deadline: Duration::from_secs(10),
        };
        let key = ("joinKey".to_owned(), Secret::new(KEY));
        Node { settings, host: Arc::new(MemoryHost::new([key])) }
    }

    pub(crate) fn without_key(mut self) -> Self {
        self.settings.secrets.clear();
        Node { host: Arc::new(MemoryHost::new([])), ..self }
    }

    pub(crate) fn rejoining(mut self) -> Self {
        self.settings.allow_rejoin = true;
        self
    }

    pub(crate) fn moving(mut self) -> Self {
        self.settings.allow_move = true;
        self
    }

    pub(crate) fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.join_deadline = deadline;
        self
    }

    pub(crate) fn host(&self) -> &MemoryHost {
        &self.host
    }

    pub(crate) fn network(&self) -> Box<dyn Network> {
        let provider = TailscaleProvider::new().expect("a provider");
        provider.open(&self.settings, Arc::<MemoryHost>::clone(&self.host)).expect("a network")
    }

    pub(crate) async fn join(&self) -> Result<Membership> {
        let network = self.network();
        tokio::time::timeout(LIMIT, network.join()).await.expect("a join ends")
    }

    /// The error of a join that must fail. It must not hold the key.
    pub(crate) async fn refusal(&self) -> Error {
        let error = self.join().await.expect_err("this join must fail");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        error
    }

    pub(crate) async fn observe(&self) -> Result<Observed> {
        let network = self.network();
        tokio::time::timeout(LIMIT, network.observe()).await.expect("a look ends")
    }

    /// What people were asked to do, and where.
    pub(crate) fn pending(&self) -> Vec<(String, Option<String>)> {
        let states = self.host.steps().into_iter().map(|step: Step| step.state);
        let asked = states.filter_map(|state| match state {
            StepState::Pending { reason, url } => Some((reason, url)),
            StepState::Running | StepState::Waiting { .. } | StepState::Done => None,
        });
        asked.collect()
    }
}
