//! How things stand, as the daemon tells it.

use futures_util::StreamExt;
use ipnet::IpNet;
use provider_api::{Control, Event, Host, LedgerEntry, RouteStage};
use serde_json::{Value, json};

use crate::fake::{FakeTailscaled, Reply, Scene, Script};
use crate::node::{Node, SERVER};

const OWN: &str = "10.42.3.0/24";

fn allow_all(routes: &[&str]) -> Value {
    let nodes = ["100.64.0.0-100.115.91.255", "100.115.94.0-100.127.255.255"];
    let ports = json!({"First": 0, "Last": 65535});
    let sources = [&nodes[..], routes].concat();
    json!([{"SrcIPs": sources, "DstPorts": [{"IP": "*", "Ports": ports}]}])
}

fn advertising() -> Script {
    Script::member(SERVER).prefs(json!({"AdvertiseRoutes": [OWN]}))
}

async fn stage(script: Script) -> RouteStage {
    let fake = FakeTailscaled::start(script);
    let observed = Node::new(&fake).observe().await.expect("a look");
    assert_eq!(observed.routes.len(), 1, "{observed:?}");
    observed.routes[0].stage
}

#[tokio::test]
async fn the_stage_of_a_route_comes_from_the_live_filter() {
    assert_eq!(stage(advertising().filter(allow_all(&[OWN]))).await, RouteStage::Served);
    assert_eq!(stage(advertising().filter(allow_all(&[]))).await, RouteStage::Unapproved);
}

#[tokio::test]
async fn a_filter_that_may_not_be_read_leaves_the_stage_open() {
    for reply in [Reply::text(403, "debug access denied"), Reply::text(404, "404 page not found\n")]
    {
        let script = advertising().on("POST debug-packet-filter-rules", reply);
        assert_eq!(stage(script).await, RouteStage::Advertised);
    }
}

#[tokio::test]
async fn a_route_of_ours_that_is_not_approved_is_a_finding() {
    let fake = FakeTailscaled::start(advertising().filter(allow_all(&[])));
    let node = Node::new(&fake);
    let prefix: IpNet = OWN.parse().expect("a prefix");
    node.host().record(LedgerEntry::Advertising(prefix)).await.expect("room");
    let observed = node.observe().await.expect("a look");
    let finding = &observed.route_findings[0];
    assert_eq!(finding.code, "route-not-approved");
    let fix = finding.fix.as_deref().expect("a fix");
    assert!(fix.contains("headscale nodes approve-routes -i 7 -r \"10.42.3.0/24\""), "{fix}");
}

#[tokio::test]
async fn a_deleted_node_wants_a_login() {
    let deleted = json!({"AuthURL": "http://10.0.0.5:8080/register/x", "Self": {"Online": false}});
    let fake = FakeTailscaled::start(Script::member(SERVER).status(deleted));
    let observed = Node::new(&fake).observe().await.expect("a look");
    assert_eq!(observed.control, Control::LoginNeeded);
    assert!(observed.findings.iter().any(|finding| finding.code == "deleted"));
}

/// `start {}` is all that a look at one's health may write.
#[tokio::test]
async fn looking_writes_nothing() {
    let fake = FakeTailscaled::start(Script::member(SERVER));
    let node = Node::new(&fake);
    node.observe().await.expect("a look");
    assert_eq!(fake.writes(), [""; 0]);
    node.network().diagnose().await;
    assert_eq!(fake.writes(), ["POST start"]);
    assert_eq!(fake.bodies("POST start"), [json!({})]);
}

#[tokio::test]
async fn events_tick_for_news_and_end_with_the_daemon() {
    let mut fake = FakeTailscaled::start(Script::member(SERVER).greet("{\"Version\":\"1\"}\n"));
    let mut events = Node::new(&fake).network().events();
    assert_eq!(events.next().await, Some(Event::Changed), "the first message");
    fake.stop();
    assert_eq!(events.next().await, Some(Event::Gone), "an empty message is no news");
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_login_elsewhere_ticks() {
    let fake = FakeTailscaled::start(
        Script::member(SERVER).login(vec![Scene::say(json!({"PeersChanged": [{"ID": 1}]}))]),
    );
    let node = Node::new(&fake);
    let mut events = node.network().events();
    assert_eq!(events.next().await, Some(Event::Changed));
}
