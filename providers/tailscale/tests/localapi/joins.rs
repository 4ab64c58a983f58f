//! Joins that go well, in the end.

use std::time::Duration;

use provider_api::Enrolment;
use serde_json::json;

use crate::fake::{FakeTailscaled, Reply, Scene, Script, health};
use crate::node::{KEY, Node, SERVER};

const LOGIN: [&str; 3] = ["POST check-prefs", "POST start", "POST login-interactive"];

#[tokio::test]
async fn a_fresh_node_joins_and_advertises_nothing_yet() {
    let fake = FakeTailscaled::start(Script::fresh());
    let node = Node::new(&fake);
    let membership = node.join().await.expect("a member");
    assert_eq!((membership.name.as_str(), membership.enrolment), ("n1", Enrolment::Ours));
    assert_eq!(membership.control_server.as_deref(), Some(SERVER));
    assert_eq!(membership.daemon_version.as_deref(), Some("1.102.3-fake"));
    assert_eq!(fake.writes(), LOGIN);
    assert_eq!(fake.prefs()["AdvertiseRoutes"], json!(null));
}

/// `start` replaces all preferences, so it must carry those that nobody here knows.
#[tokio::test]
async fn a_login_carries_the_whole_preferences_and_no_identity() {
    let fake = FakeTailscaled::start(Script::fresh().prefs(json!({"Hostname": "mine"})));
    Node::new(&fake).join().await.expect("a member");
    let start = &fake.bodies("POST start")[0];
    assert_eq!(start["AuthKey"], json!(KEY));
    let prefs = &start["UpdatePrefs"];
    assert_eq!(prefs["FromTheFuture"], json!({"keep": ["me", null]}));
    assert_eq!(prefs["NetfilterMode"], json!(2));
    assert_eq!(prefs["Hostname"], json!("mine"));
    assert_eq!((&prefs["ControlURL"], &prefs["WantRunning"]), (&json!(SERVER), &json!(true)));
    assert_eq!(prefs.get("Config"), None);
    assert_eq!(fake.bodies("POST check-prefs")[0], *prefs);
    assert_eq!(fake.prefs()["Config"], json!({"PrivateNodeKey": "privkey:00"}));
}

#[tokio::test]
async fn a_member_is_adopted_without_a_write_and_without_a_key() {
    let fake = FakeTailscaled::start(Script::member(SERVER));
    let node = Node::new(&fake).without_key();
    let membership = node.join().await.expect("a member");
    assert_eq!(membership.enrolment, Enrolment::Adopted);
    assert_eq!(fake.writes(), [""; 0]);
    assert!(node.host().asked().is_empty(), "no secret is read");
}

#[tokio::test]
async fn a_second_join_writes_nothing() {
    let fake = FakeTailscaled::start(Script::fresh());
    let node = Node::new(&fake);
    let first = node.join().await.expect("a member");
    assert_eq!(node.join().await, Ok(first));
    assert_eq!(fake.writes(), LOGIN);
}

/// A node with a key of its own is not asked to log in by hand.
#[tokio::test]
async fn an_expired_node_that_may_rejoin_is_started_with_the_key_alone() {
    let expired = json!({"BackendState": "NeedsLogin", "Self": {"Expired": true, "Online": false}});
    let back = Scene::state(6, "Running").sets(json!({"Self": {"Expired": false, "Online": true}}));
    let fake = FakeTailscaled::start(Script::member(SERVER).status(expired).login(vec![back]));
    Node::new(&fake).rejoining().join().await.expect("a member");
    assert_eq!(fake.writes(), ["POST check-prefs", "POST start"]);
}

#[tokio::test]
async fn a_node_that_is_switched_off_is_switched_on() {
    let off = Script::member(SERVER)
        .status(json!({"BackendState": "Stopped"}))
        .prefs(json!({"WantRunning": false}))
        .login(vec![Scene::state(5, "Starting"), Scene::state(6, "Running")]);
    let fake = FakeTailscaled::start(off);
    Node::new(&fake).join().await.expect("a member");
    assert_eq!(fake.writes(), ["PATCH prefs"]);
    assert_eq!(fake.bodies("PATCH prefs")[0], json!({"WantRunning": true, "WantRunningSet": true}));
}

/// Seen once with a real daemon: the change was made, the answer never came.
#[tokio::test]
async fn a_change_whose_answer_is_lost_is_looked_up() {
    let off = Script::member(SERVER)
        .status(json!({"BackendState": "Stopped"}))
        .prefs(json!({"WantRunning": false}))
        .login(vec![Scene::state(6, "Running")])
        .on("PATCH prefs", Reply::CarryOutAndDrop);
    let fake = FakeTailscaled::start(off);
    Node::new(&fake).join().await.expect("a member");
    assert_eq!(fake.writes(), ["PATCH prefs"]);
}

#[tokio::test]
async fn a_device_that_must_be_approved_is_waited_for_aloud() {
    let approved = vec![
        Scene::state(3, "NeedsMachineAuth"),
        Scene::state(6, "Running").after(Duration::from_millis(500)),
    ];
    let fake = FakeTailscaled::start(Script::fresh().first(approved));
    let node = Node::new(&fake);
    node.join().await.expect("a member");
    let (reason, url) = node.pending().remove(0);
    assert!(reason.contains("approve this device"), "{reason}");
    assert_eq!(url.as_deref(), Some("https://login.tailscale.com/admin/machines"));
}

#[tokio::test]
async fn a_page_to_open_is_shown() {
    let page = "http://10.0.0.5:8080/register/abc";
    let fake = FakeTailscaled::start(
        Script::fresh().first(vec![Scene::say(json!({"BrowseToURL": page}))]),
    );
    let node = Node::new(&fake);
    node.join().await.expect("a member");
    assert_eq!(node.pending()[0].1.as_deref(), Some(page));
}

/// NeedsLogin comes in between although the key is good, and so does old trouble.
#[tokio::test]
async fn short_trouble_on_the_way_is_no_failure() {
    let refused = "fetch control key: dial tcp: connect: connection refused";
    let fake = FakeTailscaled::start(Script::fresh().first(vec![
        Scene::state(2, "NeedsLogin"),
        Scene::say(health(Some(refused))),
        Scene::say(health(None)).after(Duration::from_millis(300)),
    ]));
    Node::new(&fake).join().await.expect("a member");
}

#[tokio::test]
async fn what_no_version_knows_yet_is_tolerated() {
    let news = json!({"Version": "2.0", "State": 42, "Invented": [1, {"x": null}]});
    let fake = FakeTailscaled::start(
        Script::fresh()
            .greet("{}\n")
            .first(vec![Scene::say(news).sets(json!({"BackendState": "FromTheFuture"}))]),
    );
    Node::new(&fake).join().await.expect("a member");
}

#[tokio::test]
async fn a_node_in_an_unknown_state_is_waited_for() {
    let later = "FromTheFuture";
    let fake = FakeTailscaled::start(Script::member(SERVER).status(json!({"BackendState": later})));
    let error = Node::new(&fake).deadline(Duration::from_secs(1)).refusal().await;
    assert_eq!(error.kind, provider_api::ErrorKind::Unavailable, "{error:?}");
    assert_eq!(fake.writes(), [""; 0]);
}

/// One line may hold the whole network.
#[tokio::test]
async fn a_line_of_megabytes_is_read() {
    let peers = vec![json!({"Name": "x".repeat(1000)}); 4000];
    let fake = FakeTailscaled::start(
        Script::fresh().first(vec![Scene::say(json!({"NetMap": {"Peers": peers}}))]),
    );
    Node::new(&fake).join().await.expect("a member");
}

#[tokio::test]
async fn every_request_is_one_that_tailscaled_accepts() {
    let fake = FakeTailscaled::start(Script::fresh());
    let node = Node::new(&fake);
    node.join().await.expect("a member");
    let network = node.network();
    network.observe().await.expect("a look");
    network.diagnose().await;
    assert!(fake.requests().len() > 8, "{:?}", fake.requests());
}
