//! Who takes the node's membership away.

use super::daemon::wipe;
use super::row::{Deed, Outcome, Probe, Row};
use super::site::Site;

/// Where the service was not told to join again.
pub const PUT_OUT: &[Row] = &[
    named("the node logged out", "logged-out", logout),
    named("the node deleted at the control server", "deleted", delete),
    named("the node's login expired at the control server", "expired", expire),
    named("the VPN's state wiped, and no key to join by", "state-lost", wipe),
];

/// Where it was.
pub const REJOINED: &[Row] = &[
    won_back("the node logged out, with --rejoin", logout),
    won_back("the node deleted at the control server, with --rejoin", delete),
    won_back("the node's login expired at the control server, with --rejoin", expire),
];

const fn named(name: &'static str, code: &'static str, fault: fn(&Site)) -> Row {
    let named = Outcome::Finding(code);
    Row::new(name, named, Deed::By(fault), REACHES).cuts().then(Deed::By(Site::joins_again)).ours()
}

const fn won_back(name: &'static str, fault: fn(&Site)) -> Row {
    Row::new(name, Outcome::Repaired, Deed::By(fault), REACHES).cuts().restarts().ours()
}

const REACHES: Probe = Probe::By(Site::reaches);

fn logout(site: &Site) {
    site.tailscaled.tailscale(&["logout"]);
}

fn delete(site: &Site) {
    site.headscale.delete_node("a");
    site.is_cut();
}

fn expire(site: &Site) {
    site.headscale.expire_node("a");
    site.is_cut();
}
