//! The fake provider in a process of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::StreamExt;
use provider_api::{
    ErrorKind, Event, Host, Leave, Ledger, LedgerEntry, NodeId, Peer, PolicyRequest, PolicySubject,
    Provider, Result, Secret, Step,
};
use provider_plugin::Plugin;
use testenv::MemoryHost;
use testenv::conformance::Subject;
use testenv::fake::{self, FakePlugin, Flaw};

use crate::Fake;

/// A node of the fake VPN, seen through a plugin.
pub(crate) fn fake(flaw: Option<Flaw>) -> Fake {
    let plugin = FakePlugin::install(Path::new(env!("CARGO_BIN_EXE_fake-plugin")), flaw);
    let provider = Plugin::start("fake", &plugin.executable()).expect("a plugin");
    Fake { world: plugin.world(), provider: Box::new(provider), plugin: Some(Arc::new(plugin)) }
}

/// Waits until the plugin has read all that it was sent: its world is reached past the wire.
pub(crate) fn catch_up(provider: &dyn Provider) {
    let cluster_cidrs = vec!["10.42.0.0/16".parse().expect("a net")];
    let subject = PolicySubject::Tag("tag:k8s".into());
    let request = PolicyRequest { cluster_cidrs, subject, server: None };
    provider.policy(&request).expect("a policy");
}

testenv::conformance_suite!(async { fake(None) });

/// More questions than a join, an apply and a leave ask.
const MANY: usize = 64;

/// A host that kills the plugin once, after so many of its questions.
struct Killer {
    host: MemoryHost,
    left: AtomicUsize,
    plugin: Arc<FakePlugin>,
}

impl Killer {
    fn asked(&self) {
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left == Ok(1) {
            self.plugin.kill();
        }
    }
}

#[async_trait]
impl Host for Killer {
    fn progress(&self, step: Step) {
        self.host.progress(step);
    }

    async fn ledger(&self) -> Result<Ledger> {
        let ledger = self.host.ledger().await;
        self.asked();
        ledger
    }

    async fn record(&self, entry: LedgerEntry) -> Result<()> {
        let recorded = self.host.record(entry).await;
        self.asked();
        recorded
    }

    async fn secret(&self, key: &str) -> Result<Option<Secret>> {
        let secret = self.host.secret(key).await;
        self.asked();
        secret
    }
}

/// A call, and where the plugin died of it, the same call again.
macro_rules! twice {
    ($call:expr) => {
        match $call.await {
            Err(error) if error.code == "plugin-ended" => {
                assert_eq!(error.kind, ErrorKind::Unavailable);
                $call.await
            }
            answer => answer,
        }
    };
}

/// Wherever it is killed, its next process goes on from what is there, and takes back all of it.
#[tokio::test]
async fn a_plugin_may_die_at_any_question() {
    for left in 1..MANY {
        let fake = fake(None);
        let before = fake.world().await;
        let plugin = Arc::clone(fake.plugin.as_ref().expect("a plugin"));
        let host = MemoryHost::new(fake.secrets());
        let host = Arc::new(Killer { host, left: left.into(), plugin });
        let network = fake.provider.open(&fake.settings(), Arc::clone(&host) as _).expect("open");
        let [wish, _] = fake.wishes();
        twice!(network.join()).expect("a join");
        twice!(network.apply(&wish)).expect("an apply");
        let plan = twice!(network.plan(&wish)).expect("a plan");
        assert_eq!(plan.changes, [], "killed at {left}");
        twice!(network.leave(Leave::Logout)).expect("leaving");
        assert_eq!(fake.world().await, before, "killed at {left}");
        assert_eq!(host.host.now_in_ledger(), Ledger::default(), "killed at {left}");
        if host.left.load(Ordering::Relaxed) > 0 {
            assert!(left > 8, "only {left} questions");
            return;
        }
    }
    panic!("more than {MANY} questions");
}

#[tokio::test]
async fn the_daemon_of_a_plugin_that_is_killed_goes_on() {
    let fake = fake(None);
    let host = Arc::new(MemoryHost::new(fake.secrets()));
    let network = fake.provider.open(&fake.settings(), host).expect("open");
    let [wish, _] = fake.wishes();
    network.join().await.expect("a join");
    let applied = network.apply(&wish).await.expect("an apply");
    let mut events = network.events();
    catch_up(&*fake.provider);
    fake.plugin.as_ref().expect("a plugin").kill();
    assert_eq!(events.next().await, Some(Event::Gone));
    assert_eq!(events.next().await, None);
    assert_eq!(network.observe().await.expect("a second process"), applied);
}

#[tokio::test]
async fn a_network_of_thousands_is_no_flood() {
    let node = fake(None);
    let host = Arc::new(MemoryHost::new(node.secrets()));
    let network = node.provider.open(&node.settings(), host).expect("open");
    node.world.peers((0..5000).map(|number| {
        let peer = fake::peer("other", 2, &[fake::pod_cidr(9)]);
        let (id, name) = (NodeId::new(number.to_string()), format!("node-{number}"));
        Peer { id, name, ..peer }
    }));
    for _ in 0..3 {
        assert_eq!(network.observe().await.expect("a look").peers.len(), 5000);
    }
}
