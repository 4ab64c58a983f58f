//! A daemon that is away, hangs, breaks off, or talks nonsense.

use std::time::Duration;

use provider_api::ErrorKind;
use serde_json::json;

use crate::fake::{FakeTailscaled, Reply, Scene, Script};
use crate::node::{Node, SERVER};

const SOON: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_daemon_that_never_comes_is_named_with_its_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("tailscaled.sock");
    let error = Node::at(&socket).deadline(SOON).refusal().await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "tailscaled-absent"));
    assert!(error.what.contains(&*socket.to_string_lossy()), "{error:?}");
}

/// Boot order: Moorline may be up first.
#[tokio::test]
async fn a_daemon_that_comes_later_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("tailscaled.sock");
    let node = Node::at(&socket);
    let later = async {
        tokio::time::sleep(SOON).await;
        FakeTailscaled::start_at(&socket, Script::member(SERVER))
    };
    let (membership, _fake) = tokio::join!(node.join(), later);
    membership.expect("a member");
    assert!(node.pending()[0].0.contains("systemctl start tailscaled"));
}

#[tokio::test]
async fn a_daemon_that_is_killed_during_the_join_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("tailscaled.sock");
    let mut fake = FakeTailscaled::start_at(&socket, Script::fresh().login(Vec::new()));
    let node = Node::at(&socket);
    let replaced = async {
        tokio::time::sleep(SOON).await;
        fake.stop();
        FakeTailscaled::start_at(&socket, Script::fresh())
    };
    let (membership, second) = tokio::join!(node.join(), replaced);
    membership.expect("a member");
    assert_eq!(second.bodies("POST start").len(), 1);
}

#[tokio::test]
async fn a_daemon_that_hangs_has_a_deadline() {
    let fake = FakeTailscaled::start(Script::member(SERVER).on("GET status", Reply::Hang));
    let error = Node::new(&fake).refusal().await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "tailscaled-silent"));
    assert!(error.what.contains("`status`"), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    for reply in [Reply::Half, Reply::Drop] {
        let fake = FakeTailscaled::start(Script::member(SERVER).on("GET status", reply));
        Node::new(&fake).join().await.expect("a member");
    }
}

#[tokio::test]
async fn nonsense_is_told_as_such() {
    let nonsense = Reply::text(200, "<html>");
    let fake = FakeTailscaled::start(Script::member(SERVER).on("GET prefs", nonsense));
    let error = Node::new(&fake).refusal().await;
    assert!(error.what.contains("`prefs`") && error.what.contains("no sense"), "{error:?}");
}

#[tokio::test]
async fn a_daemon_without_an_endpoint_is_told_as_too_old() {
    let missing = Reply::text(404, "404 page not found\n");
    let fake = FakeTailscaled::start(Script::fresh().on("POST check-prefs", missing));
    let error = Node::new(&fake).refusal().await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unsupported, "tailscaled-too-old"));
}

/// It says nothing about the login, and is the last thing that a slow reader hears.
#[tokio::test]
async fn a_reader_that_fell_behind_listens_again() {
    let behind = Scene::error("IPN bus consumer fell behind; closing watch");
    let fake = FakeTailscaled::start(Script::fresh().first(vec![behind, Scene::close_bus()]));
    Node::new(&fake).join().await.expect("a member");
}

/// A login without a control client panics inside the daemon (`ipnlocal/local.go:4653`).
#[tokio::test]
async fn a_login_whose_connection_drops_is_tried_again() {
    let fake = FakeTailscaled::start(Script::fresh().on("POST login-interactive", Reply::Drop));
    Node::new(&fake).join().await.expect("a member");
    assert_eq!(fake.bodies("POST login-interactive").len(), 2);
}

#[tokio::test]
async fn a_daemon_that_is_absent_is_an_error_to_a_look_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = Node::at(&folder.path().join("tailscaled.sock"));
    assert_eq!(node.observe().await.expect_err("nobody").code, "tailscaled-absent");
}

#[tokio::test]
async fn a_state_that_is_all_nulls_is_read() {
    let nulls = json!({"Self": null, "Peer": null, "Health": null, "TailscaleIPs": null,
        "BackendState": "NoState"});
    let fake = FakeTailscaled::start(Script::member(SERVER).status(nulls));
    let observed = Node::new(&fake).observe().await.expect("a look");
    assert!(!observed.up && observed.peers.is_empty() && observed.addresses.is_empty());
}
