//! What headscale's own API answers.

use ipnet::IpNet;
use jiff::Timestamp;
use provider_api::{ErrorKind, NodeId, Secret};
use provider_tailscale::control_api::{self, ControlApi, ControlNode};
use provider_tailscale::control_url::ControlUrl;

use crate::server::Headscale;

fn api(headscale: &Headscale, key: &str) -> Box<dyn ControlApi> {
    let url: ControlUrl = headscale.url().parse().expect("a URL");
    control_api::open(&url, Secret::new(key)).expect("an API")
}

fn new_key(headscale: &Headscale) -> String {
    let said = headscale.run(&["apikeys", "create", "--expiration", "1h"]);
    said.lines().last().expect("a key").trim().to_owned()
}

async fn node(api: &dyn ControlApi, id: &str) -> Option<ControlNode> {
    api.node(&NodeId::new(id)).await.expect("an answer")
}

#[tokio::test]
async fn a_node_is_there_then_expired_then_gone() {
    let Some(headscale) = Headscale::start() else { return };
    let (first, second) = (headscale.add_node("first"), headscale.add_node("second"));
    let api = api(&headscale, &new_key(&headscale));

    let found = node(&*api, &second).await.expect("the node is there");
    assert_eq!((found.id.as_str(), found.name.as_str()), (second.as_str(), "second"));
    assert_eq!((found.online, found.is_expired(Timestamp::now())), (Some(false), false));
    assert_eq!(node(&*api, &found.key).await, Some(found.clone()), "by its node key");

    headscale.run(&["nodes", "expire", "-i", &second]);
    let expired = node(&*api, &second).await.expect("an expired node is still there");
    assert!(expired.is_expired(Timestamp::now()));

    headscale.run(&["nodes", "delete", "-i", &second, "--force"]);
    assert_eq!(node(&*api, &second).await, None);
    assert!(node(&*api, &first).await.is_some());
}

#[tokio::test]
async fn approval_shows_and_an_unadvertised_route_is_not_served() {
    let Some(headscale) = Headscale::start() else { return };
    let id = headscale.add_node("router");
    let api = api(&headscale, &new_key(&headscale));
    headscale.run(&["nodes", "approve-routes", "-i", &id, "-r", "10.42.3.0/24"]);

    let prefix: IpNet = "10.42.3.0/24".parse().expect("a prefix");
    let routes = node(&*api, &id).await.expect("the node").routes;
    assert_eq!((routes.approved, routes.advertised), (vec![prefix], Vec::new()));
    assert_eq!(routes.served, Some(Vec::new()));
}

#[tokio::test]
async fn a_key_that_headscale_refuses_is_named_but_not_shown() {
    let Some(headscale) = Headscale::start() else { return };
    let revoked = new_key(&headscale);
    // Twelve characters, of which any may be the `-` that also ends them.
    let prefix = revoked.strip_prefix("hskey-api-").and_then(|key| key.get(..12));
    headscale.run(&["apikeys", "expire", "--prefix", prefix.expect("a prefix")]);
    for key in [revoked.as_str(), "hskey-api-nosuch-key", "hunter2"] {
        let error = api(&headscale, key).nodes().await.expect_err(key);
        assert_eq!(error.kind, ErrorKind::Auth, "{error:?}");
        assert_eq!(error.code, "control-api-key-refused");
        assert!(error.fix.as_deref().is_some_and(|fix| fix.contains("headscale apikeys create")));
        assert!(!format!("{error:?}").contains(key));
    }
}
