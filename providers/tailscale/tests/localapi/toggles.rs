//! A preference that a call which came to no end left off.

use provider_api::{Desired, Host, Leave, LedgerEntry, Network, Repair, RouteMode};
use serde_json::{Value, json};

use crate::fake::{FakeTailscaled, Scene, Script};
use crate::node::{Node, SERVER};

/// Moorline's own name for it in the ledger.
const TOGGLE: &str = "switched off for a moment";

/// A node whose ledger says that this is off for a moment and was on, and whose daemon has it
/// so now.
async fn crashed(off: Value, on: Value, now: Value) -> (FakeTailscaled, Node) {
    let running = vec![Scene::state(6, "Running")];
    let script = Script::member(SERVER).prefs(now).login(running);
    let fake = FakeTailscaled::start(script);
    let node = Node::new(&fake).without_key();
    let name = TOGGLE.to_owned();
    node.host().record(LedgerEntry::Changing { name, was: on, made: off }).await.expect("room");
    (fake, node)
}

fn nothing() -> Desired {
    Desired { mode: RouteMode::Underlay, pod_cidrs: vec![], cluster_cidrs: vec![] }
}

async fn is_on_again_after(work: impl AsyncFn(&dyn Network)) {
    for (name, off, on) in [
        ("WantRunning", json!(false), json!(true)),
        ("RouteAll", json!(false), json!(true)),
        ("NetfilterMode", json!(0), json!(2)),
    ] {
        let with = |value: &Value| json!({name: value});
        let (fake, node) = crashed(with(&off), with(&on), with(&off)).await;
        work(&*node.network()).await;
        assert_eq!(fake.prefs()[name], on);
        let ledger = node.host().now_in_ledger();
        assert!(ledger.settings.get(TOGGLE).is_none_or(|toggle| toggle.restored), "{ledger:?}");
        assert!(!ledger.settings.contains_key(name), "no setting became ours: {ledger:?}");
    }
}

#[tokio::test]
async fn every_call_that_changes_things_switches_it_on_again() {
    is_on_again_after(async |network| {
        network.join().await.expect("a member");
    })
    .await;
    is_on_again_after(async |network| {
        network.apply(&nothing()).await.expect("applied");
    })
    .await;
    is_on_again_after(async |network| network.leave(Leave::Withdraw).await.expect("left")).await;
    for what in [Repair::PeerRoutes, Repair::Firewall] {
        is_on_again_after(async |network| network.repair(what).await.expect("a repair")).await;
    }
}

#[tokio::test]
async fn what_somebody_else_made_of_it_stands() {
    let mode = |mode: u8| json!({"NetfilterMode": mode});
    let (fake, node) = crashed(mode(0), mode(2), mode(1)).await;
    node.network().repair(Repair::PeerRoutes).await.expect("a repair");
    assert_eq!(fake.prefs()["NetfilterMode"], 1);
    assert_eq!(fake.writes(), [""; 0]);
}
