//! What happens to the VPN's daemon, its interface and its preferences.

use super::row::{Deed, Outcome, Probe, Row};
use super::site::Site;

const REACHES: Probe = Probe::By(Site::reaches);

/// Where a command is known that starts the daemon anew.
pub const DAEMON: &[Row] = &[
    Row::new("the VPN's daemon restarted", Outcome::Repaired, Deed::By(restart), REACHES)
        .restarts(),
    Row::new("the VPN's daemon killed", Outcome::Repaired, Deed::By(kill), REACHES).restarts(),
    // A daemon that lost its interface ends at once, or hangs for a while: too long for a
    // connection.
    Row::new("the VPN's interface removed", Outcome::Repaired, REMOVED, REACHES).cuts().restarts(),
    Row::repaired("the VPN's interface set down", "ip link set tailscale0 down", IS_UP),
    Row::repaired(
        "the VPN's interface set down and up",
        "ip link set tailscale0 down; ip link set tailscale0 up",
        IS_UP,
    ),
    Row::new("own routes dropped by an admin", Outcome::Repaired, DROP_ROUTES, ADVERTISES),
    Row::new("the same once more", Outcome::Finding("changed-back"), DROP_ROUTES, ADVERTISES)
        .again()
        .ours(),
    Row::new("tailscale up --reset", Outcome::Repaired, Deed::By(reset), Probe::By(is_set)),
    Row::new(
        "tailscale up --reset once more",
        Outcome::Finding("changed-back"),
        Deed::By(reset),
        Probe::By(is_set),
    )
    .again()
    .ours(),
    Row::new("the VPN's state wiped", Outcome::Repaired, Deed::By(wipe), REACHES).restarts(),
];

/// Where none is known.
pub const DAEMON_BY_HAND: &[Row] = &[
    Row::new(
        "the VPN's daemon killed, and no command that starts it",
        Outcome::Finding("tailscaled-absent"),
        Deed::By(kill),
        REACHES,
    )
    .then(Deed::By(start))
    .ours(),
    Row::new(
        "the VPN's interface removed, and no command that starts its daemon",
        Outcome::Finding("tailscaled-absent"),
        REMOVED,
        REACHES,
    )
    .then(Deed::By(start))
    .ours(),
];

const REMOVED: Deed = Deed::Line("ip link delete tailscale0");
const IS_UP: &str = "ip address show up dev tailscale0 | grep -q 'inet6 fd7a:' &&
     test $(ip route show table 52 | grep -c -e '^10.42.2.0/24 ' -e '^100.64.0.2 ') = 2 &&
     ip -6 route show table 52 | grep -q '^2001:cafe:42:2::/64 '";
const DROP_ROUTES: Deed = Deed::By(drop_routes);
const ADVERTISES: Probe = Probe::By(advertises);

/// By the service manager: it takes Moorline's wish for the same.
fn restart(site: &Site) {
    let command = site.tailscaled.restart_command();
    site.a.shell(&command.display().to_string()).succeeded();
}

fn kill(site: &Site) {
    site.tailscaled.kill();
}

/// Clears away one that has ended by itself.
fn start(site: &Site) {
    site.tailscaled.stop();
    site.tailscaled.start();
    site.is_well();
}

fn drop_routes(site: &Site) {
    site.tailscaled.tailscale(&["set", "--advertise-routes=192.168.77.0/24"]);
}

fn advertises(site: &Site) -> bool {
    let prefs = site.prefs();
    let routes = prefs["AdvertiseRoutes"].to_string();
    routes.contains("10.42.1.0/24") && routes.contains("2001:cafe:42:1::/64")
}

fn reset(site: &Site) {
    let server = format!("--login-server={}", site.headscale.url());
    site.tailscaled.tailscale(&["up", "--reset", &server]);
}

fn is_set(site: &Site) -> bool {
    let prefs = site.prefs();
    prefs["RouteAll"] == true && prefs["NoSNAT"] == true && advertises(site)
}

pub(super) fn wipe(site: &Site) {
    site.tailscaled.stop();
    let state = site.tailscaled.state();
    std::fs::remove_dir_all(&state).expect("the daemon's state");
    std::fs::create_dir(&state).expect("the daemon's state directory");
    site.tailscaled.start();
}
