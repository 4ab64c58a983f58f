//! Findings from what the daemon says of itself. Pure.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use provider_api::{Enrolment, Error, ErrorKind, Finding, Severity};

use crate::client::{State, Status, Version};
use crate::control_url::ControlUrl;
use crate::prefs::Prefs;

const DAY: i64 = 24 * 3600;
/// A key that ends sooner than this is worth a word, and one that ends sooner than that a loud
/// one.
const SOON: SignedDuration = SignedDuration::from_secs(30 * DAY);
const VERY_SOON: SignedDuration = SignedDuration::from_secs(7 * DAY);

/// The oldest capability version that current control servers take: 1.80.
const OLDEST: u32 = 113;

/// Parts of the daemon's own warnings that say nothing new, or are said better elsewhere.
const BENIGN: [&str; 10] = [
    "Tailscale is stopped",
    "Tailscale is starting",
    "Some peers are advertising routes but --accept-routes is false",
    "An update from version",
    "is available",
    "unstable version",
    "You are logged out",
    "IP forwarding is disabled",
    "IPv6 forwarding is disabled",
    "Linux DNS config not ideal",
];

/// What is wrong with the node's standing in the network.
pub(super) fn of_status(
    status: &Status,
    enrolment: Option<Enrolment>,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = standing(status, enrolment).into_iter().collect();
    findings.extend(expiry(status, now));
    findings.extend(warnings(status));
    findings
}

/// What is wrong with the daemon, its preferences and its control server's URL.
pub(super) fn of_daemon(prefs: &Prefs, version: &Version) -> Vec<Finding> {
    let mut findings = of_prefs(prefs);
    findings.extend(of_version(version));
    let server = prefs.control_url().parse::<ControlUrl>();
    findings.extend(server.ok().and_then(|server| server.finding()));
    findings
}

/// What is wrong with the preferences, ours and the admin's.
fn of_prefs(prefs: &Prefs) -> Vec<Finding> {
    let mut findings = Vec::new();
    if prefs.is_on("AutoUpdate.Apply") {
        findings.push(
            Finding::new(
                Severity::Warning,
                "auto-update",
                "tailscaled updates itself on this node",
                "each update restarts it, and this node's pods are cut off for some seconds",
            )
            .fix("tailscale set --auto-update=false"),
        );
    }
    if prefs.is_on("ShieldsUp") {
        findings.push(
            Finding::new(
                Severity::Error,
                "shields-up",
                "tailscaled lets nobody open connections to this node",
                "its pods cannot be reached from other nodes",
            )
            .fix("tailscale set --shields-up=false"),
        );
    }
    findings
}

/// What could not be asked.
pub(super) fn of_error(error: Error) -> Finding {
    let severity = match error.kind {
        ErrorKind::Denied | ErrorKind::Unsupported => Severity::Warning,
        ErrorKind::Settings
        | ErrorKind::Auth
        | ErrorKind::Conflict
        | ErrorKind::Unavailable
        | ErrorKind::Bug => Severity::Error,
    };
    let why = "Moorline could not look further";
    Finding { fix: error.fix, ..Finding::new(severity, error.code, error.what, why) }
}

/// What the control server's API did not tell. Traffic does not need it.
pub(super) fn of_untold(error: Error) -> Finding {
    let why = "what is approved is told by tailscaled alone, which does not always know";
    Finding { fix: error.fix, ..Finding::new(Severity::Warning, error.code, error.what, why) }
}

/// What is wrong with the daemon's version: headscale 0.29 takes 1.80 and newer
/// (`hscontrol/capver/capver_generated.go:89`).
fn of_version(version: &Version) -> Option<Finding> {
    (version.capability < OLDEST).then(|| {
        let what = format!("tailscaled is old: {}", version.long);
        let why = "current control servers refuse it";
        Finding::new(Severity::Warning, "tailscaled-old", what, why).fix("tailscale update")
    })
}

/// Addresses of this node that its interface does not carry.
pub(super) fn of_missing(addresses: &[IpAddr]) -> Option<Finding> {
    let listed: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let first = addresses.first()?;
    let fix = match first {
        IpAddr::V4(_) => "moorline up",
        IpAddr::V6(_) => {
            "where this node is to have IPv6: sysctl -w net.ipv6.conf.all.disable_ipv6=0\n\
             then, or where it has: moorline up"
        }
    };
    let what = format!("tailscale0 does not carry this node's address {}", listed.join(", "));
    let why = "this node reaches nobody, and is reached by nobody, in that address family";
    Some(Finding::new(Severity::Warning, "address-missing", what, why).fix(fix))
}

/// Somebody set the interface down.
pub(super) fn interface_down(name: &str) -> Finding {
    let what = format!("{name} is set down");
    let why = "this node reaches nobody, and is reached by nobody; tailscaled does not see it";
    Finding::new(Severity::Error, "interface-down", what, why).fix("moorline up")
}

/// What wins back a node that the control server put out.
const REJOIN: &str = "moorline up --rejoin, with a joinKey";

/// The daemon came back without the login that it had.
pub(crate) fn state_lost() -> Finding {
    let what = "tailscaled has lost its state, and this node's login with it";
    cut_off("state-lost", what, "moorline up --rejoin, with a joinKey; or run with a joinKey")
}

/// The control server does not know this node.
pub(super) fn deleted() -> Finding {
    cut_off("deleted", "the control server does not know this node any more", REJOIN)
}

/// The control server wants a new login.
pub(super) fn expired() -> Finding {
    cut_off("expired", "this node's key has expired at the control server", REJOIN)
}

/// The control server forgets this node when it goes offline.
pub(super) fn ephemeral() -> Finding {
    let what = "this node was enrolled with an ephemeral key";
    let why = "the control server deletes the node soon after it goes offline, a reboot included";
    Finding::new(Severity::Warning, "ephemeral-node", what, why)
        .fix("moorline leave, then moorline up with a joinKey that is not ephemeral")
}

fn cut_off(code: &str, what: &str, fix: &str) -> Finding {
    let why = "this node's pods cannot be reached, and reach no other node's";
    Finding::new(Severity::Error, code, what, why).fix(fix)
}

fn standing(status: &Status, enrolment: Option<Enrolment>) -> Option<Finding> {
    if status.is_expired() {
        return Some(expired());
    }
    if status.is_disowned() {
        return Some(deleted());
    }
    match status.backend_state {
        State::NeedsLogin if status.have_node_key => {
            let what = "the control server wants a new login of this node";
            Some(cut_off("deleted", what, REJOIN))
        }
        State::NeedsLogin if enrolment.is_none() => {
            let what = "this node has not been logged in to the tailnet yet";
            Some(cut_off("not-enrolled", what, "moorline up"))
        }
        State::NeedsLogin => {
            let what = "this node is not logged in to the tailnet";
            Some(cut_off("logged-out", what, REJOIN))
        }
        State::NeedsMachineAuth => {
            let what = "an administrator must approve this device";
            let page = "https://login.tailscale.com/admin/machines";
            Some(cut_off("device-approval", what, page))
        }
        State::Stopped => Some(cut_off("stopped", "tailscale is switched off", "tailscale up")),
        State::NoState => {
            let what = "tailscaled has heard nothing from its control server since it started";
            Some(cut_off("no-netmap", what, "tailscale status"))
        }
        State::Starting => Some(
            Finding::new(
                Severity::Warning,
                "no-relay",
                "tailscaled has reached no relay and no peer yet",
                "nothing can be sent to other nodes until it has",
            )
            .fix("tailscale netcheck"),
        ),
        State::Running | State::InUseOtherUser | State::Other(_) => offline(status),
    }
}

fn offline(status: &Status) -> Option<Finding> {
    let online = status.this.as_ref().is_some_and(|this| this.online);
    (!online).then(|| {
        Finding::new(
            Severity::Warning,
            "control-away",
            "this node is not connected to its control server",
            "traffic goes on as it is; no change anywhere in the network arrives here",
        )
        .fix(
            "see that the control server answers; only then: systemctl restart tailscaled\n\
             (a tailscaled that starts without its control server carries nothing)",
        )
    })
}

fn expiry(status: &Status, now: Timestamp) -> Option<Finding> {
    let expires = status.this.as_ref()?.key_expiry?;
    let left = expires.duration_since(now);
    let severity = match left {
        _ if !left.is_positive() || left >= SOON => return None,
        _ if left < VERY_SOON => Severity::Error,
        _ => Severity::Warning,
    };
    let what = format!("this node's key expires in {}, at {expires}", days(left));
    let why = "the node leaves the network then, and its pods with it";
    let fix = "disable key expiry for this node at the control server, or use a tagged key";
    Some(Finding::new(severity, "expires-soon", what, why).fix(fix))
}

fn days(left: SignedDuration) -> String {
    match left.as_secs() / DAY {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

fn warnings(status: &Status) -> Vec<Finding> {
    let mut texts: Vec<&String> = status.health.iter().flatten().collect();
    texts.sort();
    texts
        .into_iter()
        .filter(|text| !BENIGN.iter().any(|benign| text.contains(benign)))
        .map(|text| {
            let why = "tailscaled says so itself";
            Finding::new(Severity::Warning, "tailscaled-warns", text.trim_end_matches('.'), why)
                .fix("tailscale status")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn codes(status: Value) -> Vec<String> {
        codes_of(status, Some(Enrolment::Ours))
    }

    fn codes_of(status: Value, enrolment: Option<Enrolment>) -> Vec<String> {
        findings_of(status, enrolment).into_iter().map(|finding| finding.code).collect()
    }

    fn findings_of(status: Value, enrolment: Option<Enrolment>) -> Vec<Finding> {
        let status: Status = serde_json::from_value(status).unwrap();
        let now = "2026-11-23T00:00:00Z".parse().unwrap();
        of_status(&status, enrolment, now)
    }

    #[test]
    fn each_standing_has_its_finding() {
        let nothing: [&str; 0] = [];
        let running = |extra: Value| {
            let mut status =
                json!({"BackendState": "Running", "HaveNodeKey": true, "Self": {"Online": true}});
            status.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            codes(status)
        };
        assert_eq!(running(json!({})), nothing);
        assert_eq!(running(json!({"Self": {"Online": false}})), ["control-away"]);
        assert_eq!(running(json!({"Self": {"Online": false}, "AuthURL": "http://x"})), ["deleted"]);
        assert_eq!(running(json!({"BackendState": "Starting"})), ["no-relay"]);
        assert_eq!(running(json!({"BackendState": "Stopped"})), ["stopped"]);
        assert_eq!(codes(json!({"BackendState": "NeedsLogin"})), ["logged-out"]);
        assert_eq!(
            running(json!({"BackendState": "NeedsLogin", "Self": {"Expired": true}})),
            ["expired"]
        );
    }

    #[test]
    fn a_node_that_never_was_a_member_was_not_logged_out() {
        let needs_login = || json!({"BackendState": "NeedsLogin"});
        assert_eq!(codes_of(needs_login(), None), ["not-enrolled"]);
        for enrolment in [Enrolment::Ours, Enrolment::Adopted] {
            assert_eq!(codes_of(needs_login(), Some(enrolment)), ["logged-out"]);
        }
        let expired = json!({"BackendState": "NeedsLogin", "Self": {"Expired": true}});
        assert_eq!(codes_of(expired, None), ["expired"]);
    }

    #[test]
    fn a_key_that_ends_soon_is_told_and_the_sooner_the_louder() {
        let at = |expiry: &str| {
            let this = json!({"Online": true, "KeyExpiry": expiry});
            let status = json!({"BackendState": "Running", "Self": this});
            let findings = findings_of(status, Some(Enrolment::Ours));
            let told = findings.into_iter().map(|finding| {
                assert_eq!(finding.code, "expires-soon");
                (finding.severity, finding.what)
            });
            told.collect::<Vec<_>>()
        };
        let told = |severity, left: &str, expiry: &str| {
            vec![(severity, format!("this node's key expires in {left}, at {expiry}"))]
        };
        for (severity, left, expiry) in [
            (Severity::Warning, "29 days", "2026-12-22T23:59:59Z"),
            (Severity::Warning, "7 days", "2026-11-30T00:00:00Z"),
            (Severity::Error, "6 days", "2026-11-29T23:59:59Z"),
            (Severity::Error, "1 day", "2026-11-24T12:00:00Z"),
            (Severity::Error, "less than a day", "2026-11-23T00:00:01Z"),
        ] {
            assert_eq!(at(expiry), told(severity, left, expiry));
        }
        for untold in ["2026-12-23T00:00:00Z", "2026-11-22T00:00:00Z", "0001-01-01T00:00:00Z"] {
            assert_eq!(at(untold), []);
        }
    }

    #[test]
    fn what_will_break_is_told_while_it_works() {
        let old = Version { capability: 90, ..Version::default() };
        let codes = |prefs: Value, version: &Version| -> Vec<String> {
            let findings = of_daemon(&serde_json::from_value(prefs).unwrap(), version);
            findings.into_iter().map(|finding| finding.code).collect()
        };
        let bad = json!({"ControlURL": "http://203.0.113.10:8080", "AutoUpdate": {"Apply": true}});
        assert_eq!(codes(bad, &old), ["auto-update", "tailscaled-old", "control-url-plain-http"]);
        let good = json!({"ControlURL": "http://10.0.0.5:8080"});
        let new = Version { capability: OLDEST, ..Version::default() };
        assert!(codes(good, &new).is_empty());
    }

    #[test]
    fn benign_warnings_are_left_out() {
        let warns = codes(json!({"BackendState": "Running", "Self": {"Online": true}, "Health": [
            "Some peers are advertising routes but --accept-routes is false", "The sky falls.",
        ]}));
        assert_eq!(warns, ["tailscaled-warns"]);
    }
}
