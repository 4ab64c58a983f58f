//! What happens to the control server, and what is done there that does not put the node out.

use super::row::{Deed, Outcome, Probe, Row};
use super::site::Site;

/// Any control server.
pub const CONTROL: &[Row] = &[
    Row::new("the control server restarted", Outcome::Repaired, Deed::By(restart), ONLINE),
    Row::new("the control server away for a while", Outcome::Repaired, Deed::By(away), ONLINE)
        .ours(),
    Row::new(
        "the approval of a route withdrawn",
        Outcome::Finding("route-not-approved"),
        Deed::By(withdraw),
        Probe::By(Site::reaches),
    )
    .then(Deed::By(approve))
    .ours(),
    Row::new("a peer renamed", Outcome::Repaired, Deed::By(rename), Probe::By(is_renamed)).ours(),
];

/// A control server that is reached by plain http at a public address: tailscaled insists on
/// TLS once it lost it, and stays offline until it is started anew (seen with 1.102.3). So does
/// the other node, which nobody starts anew here.
pub const ABROAD: &[Row] =
    &[Row::new("the VPN's daemon stuck on TLS", Outcome::Repaired, Deed::By(restart), ONLINE)
        .cuts()
        .restarts()];

const ONLINE: Probe = Probe::By(is_online);

fn restart(site: &Site) {
    site.headscale.stop();
    site.headscale.start();
}

fn away(site: &Site) {
    let said = site.said().len();
    site.headscale.kill();
    site.is_told("control-away", said);
    site.headscale.start();
}

fn withdraw(site: &Site) {
    site.headscale.approve("a", "");
}

fn approve(site: &Site) {
    site.headscale.approve("a", "10.42.1.0/24,2001:cafe:42:1::/64");
    site.is_well();
}

fn rename(site: &Site) {
    site.headscale.rename_node("b", "other");
}

/// The names here are those at the control server.
fn is_renamed(site: &Site) -> bool {
    let told = site.a.moorline(["status", "--json"]).json();
    let peers = told["peers"].to_string();
    let b = site.headscale.nodes().into_iter().find(|node| node.given_name != "a");
    b.is_some_and(|b| peers.contains(&format!("\"{}\"", b.given_name)))
}

/// A daemon that is being started anew has no answer yet.
fn is_online(site: &Site) -> bool {
    let status = site.tailscaled.try_tailscale(&["status", "--json"]);
    status.code == Some(0) && status.json()["Self"]["Online"] == true
}
