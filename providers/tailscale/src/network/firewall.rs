//! tailscaled's rules in this machine's firewall, and whether they are there: it writes them
//! once, and does not look after them (seen with 1.102.3).

use std::net::IpAddr;

use linux::nftables::{self, Generation, Ruleset};
use provider_api::{Finding, Severity};
use serde_json::Value;

use super::Tailscale;
use super::sight::Sight;
use crate::prefs::Prefs;

/// Its chains that decide, in the table `filter` of each family. Its chain that translates may
/// be empty (`util/linuxfw/iptables_runner.go:198`).
const DECIDING: [&str; 2] = ["ts-input", "ts-forward"];

/// Names the legacy tables that are in use: nftables does not show them.
const LEGACY_TABLES: &str = "/proc/thread-self/net/ip_tables_names";

/// How much of its firewall can be seen, and whether that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Firewall {
    /// All that pods' packets need, or nothing where tailscaled is to write nothing.
    Whole,
    /// Something is missing.
    Gone,
    /// It cannot be told.
    Unknown,
}

/// Looks for the rules of the families that these addresses of the node have.
pub(super) async fn firewall(prefs: &Prefs, addresses: &[IpAddr]) -> Firewall {
    let Ok(ruleset) = nftables::ruleset().await else { return Firewall::Unknown };
    let family = |address: &IpAddr| if address.is_ipv4() { "ip" } else { "ip6" };
    match addresses.iter().all(|address| is_whole(prefs, family(address), &ruleset)) {
        true => Firewall::Whole,
        false if has_legacy_tables() => Firewall::Unknown,
        false => Firewall::Gone,
    }
}

/// What the rules of one generation said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    generation: Option<Generation>,
    mode: Value,
    addresses: Vec<IpAddr>,
    is_gone: bool,
}

impl Tailscale {
    /// Whether tailscaled's rules are gone from the firewall. Listing it takes a program of its
    /// own: so not at the first look, and not again before the rules change.
    pub(super) async fn firewall_is_gone(&self, sight: &Sight, carried: &[IpAddr]) -> bool {
        if !self.remember(|memory| std::mem::replace(&mut memory.has_looked, true)) {
            return false;
        }
        let generation = nftables::generation().ok();
        let mode = sight.prefs.value("NetfilterMode").clone();
        let of_now = |judged: &Judged| {
            judged.generation.is_some()
                && (judged.generation, &judged.mode, judged.addresses.as_slice())
                    == (generation, &mode, carried)
        };
        if let Some(judged) = self.remember(|memory| memory.firewall.clone()).filter(of_now) {
            return judged.is_gone;
        }
        let is_gone = firewall(&sight.prefs, carried).await == Firewall::Gone;
        let judged = Judged { generation, mode, addresses: carried.to_vec(), is_gone };
        self.remember(|memory| memory.firewall = Some(judged));
        is_gone
    }
}

/// The rules are gone.
pub(super) fn gone() -> Finding {
    let what = "tailscaled's rules are gone from this node's firewall";
    let why = "a firewall that drops what no rule accepts drops its pods' traffic, and tailscaled \
               does not see it";
    Finding::new(Severity::Warning, "tailscaled-firewall-gone", what, why)
        .fix("tailscale set --netfilter-mode=off && tailscale set --netfilter-mode=on")
}

/// By `NetfilterMode` tailscaled writes nothing (0), its chains (1), or also the rules that lead
/// there (2) (`types/preftype/netfiltermode.go`).
fn is_whole(prefs: &Prefs, family: &str, ruleset: &Ruleset) -> bool {
    let mode = prefs.value("NetfilterMode");
    let rules = || ruleset.rules.iter().filter(|rule| rule.family == family);
    let is_written = |chain: &str| rules().any(|rule| rule.chain == chain);
    let is_called = |chain: &str| rules().any(|rule| rule.target() == Some(chain));
    let translates = || family != "ip" || is_called("ts-postrouting");
    match mode.as_u64() {
        Some(2) => DECIDING.iter().all(|it| is_written(it) && is_called(it)) && translates(),
        Some(1) => DECIDING.iter().all(|it| is_written(it)),
        Some(_) | None => true,
    }
}

fn has_legacy_tables() -> bool {
    std::fs::read_to_string(LEGACY_TABLES).is_ok_and(|names| !names.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use linux::nftables::ChainRule;
    use serde_json::json;

    /// A rule as `nft` lists it.
    fn rule(table: &str, chain: &str, statement: Value) -> ChainRule {
        let listed = json!({"family": "ip", "table": table, "chain": chain, "handle": 1,
                            "expr": [statement]});
        serde_json::from_value(listed).unwrap()
    }

    fn ruleset() -> Ruleset {
        let jump = |to: &str| json!({"jump": {"target": to}});
        let rules = vec![
            rule("filter", "INPUT", jump("ts-input")),
            rule("filter", "FORWARD", jump("ts-forward")),
            rule("nat", "POSTROUTING", jump("ts-postrouting")),
            rule("filter", "ts-input", json!({"accept": null})),
            rule("filter", "ts-forward", json!({"accept": null})),
        ];
        Ruleset { rules, ..Ruleset::default() }
    }

    fn mode(mode: u8) -> Prefs {
        Prefs::default().with("NetfilterMode", json!(mode))
    }

    #[test]
    fn every_rule_counts_by_the_mode() {
        assert!(is_whole(&mode(2), "ip", &ruleset()));
        assert!(!is_whole(&mode(2), "ip6", &ruleset()));
        for missing in 0..5 {
            let mut rules = ruleset();
            rules.rules.remove(missing);
            assert!(!is_whole(&mode(2), "ip", &rules), "{missing}");
            assert_eq!(is_whole(&mode(1), "ip", &rules), missing < 3, "{missing}");
            assert!(is_whole(&mode(0), "ip", &rules));
        }
    }
}
