//! What the daemon or the control server says no to.

use std::time::Duration;

use provider_api::ErrorKind;
use serde_json::json;

use crate::fake::{FakeTailscaled, Reply, Scene, Script, health};
use crate::node::{KEY, Node, SERVER};

const LOCKED: &str = "can't reconfigure tailscaled when using a config file; config file is locked";

/// The daemon repeats itself for ever, ten times in the first seconds.
fn repeating(text: &str) -> Vec<Scene> {
    vec![Scene::error(text); 200]
}

#[tokio::test]
async fn each_key_that_is_refused_is_named_at_once() {
    for (text, kind, code) in [
        ("invalid pre auth key", ErrorKind::Auth, "auth-key-invalid"),
        ("authkey expired", ErrorKind::Auth, "auth-key-expired"),
        ("authkey already used", ErrorKind::Auth, "auth-key-used"),
        ("authkey revoked", ErrorKind::Auth, "auth-key-revoked"),
        ("invalid key: API key kX not valid", ErrorKind::Auth, "auth-key-invalid"),
        ("requested tags [tag:x] are invalid or not permitted", ErrorKind::Denied, "tags-refused"),
        ("who are you?", ErrorKind::Denied, "login-refused"),
    ] {
        let fake = FakeTailscaled::start(Script::fresh().login(repeating(text)));
        let error = Node::new(&fake).refusal().await;
        assert_eq!((error.kind, error.code.as_str()), (kind, code), "{error:?}");
        assert!(error.what.contains(text), "{error:?}");
    }
}

/// The daemon would try a bad key for ever; only another start, without it, ends that.
#[tokio::test]
async fn a_failed_login_is_stopped_and_taken_back() {
    let fake = FakeTailscaled::start(Script::fresh().login(repeating("authkey expired")));
    let before = fake.prefs();
    let node = Node::new(&fake);
    node.refusal().await;
    let starts = fake.bodies("POST start");
    assert_eq!(starts.len(), 2);
    assert_eq!(starts[1].get("AuthKey"), None);
    assert_eq!(fake.prefs(), before);
    let left: Vec<String> = node
        .host()
        .now_in_ledger()
        .settings
        .into_iter()
        .filter_map(|(name, setting)| (!setting.restored).then_some(name))
        .collect();
    assert_eq!(left, [""; 0], "nothing of it is left in the ledger");
}

#[tokio::test]
async fn a_key_that_the_server_repeats_is_not_passed_on() {
    let said = format!("invalid key: {KEY} is not known here");
    let fake = FakeTailscaled::start(Script::fresh().login(repeating(&said)));
    let error = Node::new(&fake).refusal().await;
    assert!(error.what.contains("[redacted]"), "{error:?}");
}

#[tokio::test]
async fn a_control_server_that_is_away_is_told_by_the_health_alone() {
    for (text, code) in [
        ("fetch control key: dial tcp H:9000: connect: connection refused", "control-refused"),
        ("fetch control key: failed to resolve \"nosuch.invalid\"", "control-name"),
        ("fetch control key: 404 Not Found", "control-not-one"),
        ("fetch control key: x509: certificate signed by unknown authority", "control-certificate"),
        ("fetch control key: 503 Service Unavailable", "control-failing"),
    ] {
        let said = vec![Scene::say(health(Some(text)))];
        let fake = FakeTailscaled::start(Script::fresh().login(said));
        let error = Node::new(&fake).refusal().await;
        assert_eq!(error.code, code, "{error:?}");
        assert!(error.what.contains(SERVER) && error.fix.is_some(), "{error:?}");
    }
}

#[tokio::test]
async fn a_control_server_that_says_nothing_has_a_deadline() {
    let fake = FakeTailscaled::start(Script::fresh().login(Vec::new()));
    let error = Node::new(&fake).deadline(Duration::from_secs(2)).refusal().await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "control-silent"));
    assert_eq!(fake.bodies("POST start").len(), 2, "its attempts are stopped");
}

#[tokio::test]
async fn a_device_that_nobody_approves_is_told_at_the_deadline() {
    let waits = vec![Scene::state(3, "NeedsMachineAuth")];
    let fake = FakeTailscaled::start(Script::fresh().login(waits));
    let error = Node::new(&fake).deadline(Duration::from_secs(2)).refusal().await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "device-approval"));
}

/// check-prefs says no with 200. A start after that would cut a running node off.
#[tokio::test]
async fn preferences_that_are_refused_are_never_started() {
    let no = Reply::error(200, "route 10.0.0.1/8 has non-address bits set; expected 10.0.0.0/8");
    let fake = FakeTailscaled::start(Script::fresh().on("POST check-prefs", no));
    let error = Node::new(&fake).refusal().await;
    assert!(error.what.contains("non-address bits"), "{error:?}");
    assert_eq!(fake.writes(), ["POST check-prefs"]);
}

#[tokio::test]
async fn a_locked_daemon_is_told_with_what_to_change() {
    let fake =
        FakeTailscaled::start(Script::fresh().on("POST check-prefs", Reply::error(200, LOCKED)));
    let error = Node::new(&fake).refusal().await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "tailscaled-locked"));

    let off = Script::member(SERVER)
        .status(json!({"BackendState": "Stopped"}))
        .on("PATCH prefs", Reply::error(400, LOCKED));
    let error =
        Node::new(&FakeTailscaled::start(off.prefs(json!({"WantRunning": false})))).refusal().await;
    assert_eq!(error.code, "tailscaled-locked");
}

#[tokio::test]
async fn a_caller_without_permission_is_told_who_it_is() {
    for (call, text) in [
        ("POST check-prefs", "checkprefs access denied"),
        ("POST start", "access denied"),
        ("POST login-interactive", "login access denied"),
    ] {
        let denied = Script::fresh().on(call, Reply::text(403, text));
        let error = Node::new(&FakeTailscaled::start(denied)).refusal().await;
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "tailscaled-denied"));
        assert!(error.what.contains(text), "{error:?}");
        assert!(error.fix.is_some_and(|fix| fix.contains("--operator")));
    }
}

#[tokio::test]
async fn a_start_that_is_refused_is_repaired_with_the_preferences_before() {
    let text = "cannot start backend when state store is unhealthy";
    let fake = FakeTailscaled::start(Script::fresh().on("POST start", Reply::text(500, text)));
    let before = fake.prefs();
    let error = Node::new(&fake).refusal().await;
    assert!(error.what.contains(text), "{error:?}");
    let starts = fake.bodies("POST start");
    assert_eq!(starts.len(), 2, "the control connection is gone until a good start");
    assert_eq!(starts[1].get("AuthKey"), None);
    assert_eq!(fake.prefs(), before);
}

#[tokio::test]
async fn a_node_of_another_server_is_left_alone() {
    let fake = FakeTailscaled::start(Script::member("http://other:8080"));
    let error = Node::new(&fake).refusal().await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Conflict, "other-control-server"));
    assert!(error.what.contains("http://other:8080") && error.what.contains(SERVER));
    assert_eq!(fake.writes(), [""; 0]);
}

#[tokio::test]
async fn a_node_of_another_server_moves_when_told() {
    let back = Scene::state(6, "Running");
    let fake = FakeTailscaled::start(Script::member("http://other:8080").login(vec![back]));
    Node::new(&fake).moving().join().await.expect("a member");
    assert_eq!(fake.prefs()["ControlURL"], json!(SERVER));
}

#[tokio::test]
async fn what_an_admin_took_away_is_not_won_back() {
    for (status, code) in [
        (json!({"BackendState": "NeedsLogin", "Self": {"Expired": true}}), "expired"),
        (
            json!({"AuthURL": "http://10.0.0.5:8080/register/x", "Self": {"Online": false}}),
            "deleted",
        ),
    ] {
        let fake = FakeTailscaled::start(Script::member(SERVER).status(status));
        let error = Node::new(&fake).refusal().await;
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, code));
        assert_eq!(fake.writes(), [""; 0]);
    }
}

#[tokio::test]
async fn a_node_without_key_and_without_login_is_told_how() {
    let fake = FakeTailscaled::start(Script::fresh());
    let error = Node::new(&fake).without_key().refusal().await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Auth, "auth-key-missing"));
    assert_eq!(fake.writes(), [""; 0]);
}
