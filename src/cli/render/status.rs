//! How a node stands, as a page.

use jiff::Timestamp;
use provider_api::{Membership, OwnRoute, RouteStage};

use super::{findings, peers, table, time};
use crate::host::{Snapshot, StatusReport};
use crate::proof::{Between, Outcome};

/// The node, its routes, the other nodes, the findings; and when the service saw that, where it
/// did.
pub(in crate::cli) fn text(
    report: &StatusReport,
    seen: Option<&Snapshot>,
    now: Timestamp,
) -> String {
    let findings = findings::text(&report.findings);
    let gap = if findings.is_empty() { "" } else { "\n" };
    format!(
        "{}{}{}{gap}{findings}",
        node(report, seen, now),
        table::text(["ROUTE", "STAGE", "OWNER"], report.routes.iter().map(route).collect()),
        peers::text(report, now),
    )
}

fn node(report: &StatusReport, seen: Option<&Snapshot>, now: Timestamp) -> String {
    let mut rows = vec![
        pair("cluster", format!("{} ({})", report.cluster, list(&report.cluster_cidrs))),
        pair("node", report.membership.as_ref().map_or_else(|| "no member".to_owned(), member)),
        pair("network", network(report)),
        pair("stage", report.stage.to_string()),
        pair("proof", proof(report, now)),
    ];
    let expires = report.membership.as_ref().and_then(|membership| membership.expires);
    rows.extend(expires.map(|expires| pair("expires", format!("{expires:.0}"))));
    rows.extend(seen.map(|seen| pair("seen", service(seen, now))));
    table::pairs(rows)
}

fn service(seen: &Snapshot, now: Timestamp) -> String {
    let mended: u64 = seen.service.repairs.values().sum();
    let age = time::age(seen.at, now);
    format!("{age} by the service, which has mended {mended} since {:.0}", seen.service.started)
}

fn pair(name: &str, value: String) -> [String; 2] {
    [name.to_owned(), value]
}

fn member(membership: &Membership) -> String {
    let Membership { name, addresses, interface, mtu, .. } = membership;
    format!("{name}, {} on {interface} (MTU {mtu})", list(addresses))
}

fn network(report: &StatusReport) -> String {
    let membership = report.membership.as_ref();
    let version = membership.and_then(|membership| membership.daemon_version.as_ref());
    let server = membership.and_then(|membership| membership.control_server.as_ref());
    let version = version.map(|version| format!(" {version}")).unwrap_or_default();
    let server = server.map(|server| format!(", {server}")).unwrap_or_default();
    format!("{}{version}{server}", report.provider)
}

fn proof(report: &StatusReport, now: Timestamp) -> String {
    let Some(proof) = &report.proof else { return "none yet".to_owned() };
    let outcome = match (proof.verdict.outcome, proof.verdict.between) {
        (Outcome::Proven, Between::Pods) => "packets cross",
        (Outcome::Proven, Between::Nodes) => "packets cross between nodes",
        (Outcome::Alone, _) => "no other node to prove with",
        (Outcome::Unproven, Between::Pods) => "no packet crossed",
        (Outcome::Unproven, Between::Nodes) => "no packet crossed between nodes",
        (Outcome::Unknown, _) => "nobody could be asked",
    };
    format!("{outcome}, {}", time::age(proof.at, now))
}

fn route(route: &OwnRoute) -> [String; 3] {
    let owner = if route.ours { "moorline" } else { "administrator" };
    [route.prefix.to_string(), stage(route.stage).to_owned(), owner.to_owned()]
}

fn stage(stage: RouteStage) -> &'static str {
    match stage {
        RouteStage::Advertised => "advertised",
        RouteStage::Unapproved => "not approved",
        RouteStage::Withheld => "not approved, or hidden by policy",
        RouteStage::Hidden => "hidden by policy",
        RouteStage::Standby => "standby: another node serves it",
        RouteStage::Served => "served",
    }
}

fn list<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
