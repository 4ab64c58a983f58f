//! A subnet router that advertises all of the cluster: no node, and no proof.

use std::time::Duration;

use serde_json::Value;
use testenv::{Host, until};

use crate::common::lab;
use crate::node::{status, up};
use crate::scene::AUTO_APPROVED;

/// How long news take through the control server to every node, on a busy machine.
const NEWS: Duration = Duration::from_secs(15);

fn peer<'a>(status: &'a Value, name: &str) -> Option<&'a Value> {
    status["peers"].as_array()?.iter().find(|peer| peer["name"] == name)
}

fn probed(status: &Value) -> Vec<&str> {
    let peers = status["proof"]["verdict"]["peers"].as_array().expect("probed peers").iter();
    peers.filter_map(|peer| peer["name"].as_str()).collect()
}

#[test]
fn a_subnet_router_of_the_whole_cluster_proves_nothing() {
    let Some(lab) = lab("subnet router") else { return };
    let headscale = lab.headscale().policy(AUTO_APPROVED).start();
    let key = headscale.user("k8s").reusable_key();
    let [router, a, b] = ["router", "a", "b"].map(|name| lab.host(name).start());
    let daemons = [&router, &a, &b].map(Host::tailscaled);
    daemons[0].join(&headscale, &key);
    daemons[0].tailscale(&["set", "--advertise-routes=10.42.0.0/16"]);

    let join = |host: &Host, pod_cidr| {
        let auth = host.vpn_auth(&headscale, &key);
        up(host, &auth, &["--pod-cidr", pod_cidr]).succeeded().json()["status"].take()
    };
    let alone = join(&a, "10.42.1.0/24");
    assert_eq!(alone["proof"]["verdict"]["outcome"], "alone", "{alone:#}");
    // The second address of the router's route is the canary of this node.
    join(&b, "10.42.0.0/24");
    let seen = until("a status that knows both", NEWS, || {
        let status = status(&a);
        let routes = |name| peer(&status, name).and_then(|peer| peer["routes"].as_array());
        let both = ["router", "b"].iter().all(|name| routes(name).is_some_and(|it| !it.is_empty()));
        if both { Ok(status) } else { Err(status) }
    });
    let kinship = |name| peer(&seen, name).map(|peer| peer["kinship"].clone());
    assert_eq!(kinship("router"), Some("bystander".into()), "{seen:#}");
    assert_eq!(kinship("b"), Some("unknown".into()), "{seen:#}");
    assert_eq!(probed(&seen), ["b"], "{seen:#}");
    assert_eq!(seen["proof"]["verdict"]["outcome"], "proven", "{seen:#}");
}
