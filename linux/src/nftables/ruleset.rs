//! The ruleset as `nft -j` prints it (`libnftables-json(5)`), as far as we look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Counter, Table};

/// The chains and rules of all tables.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ruleset {
    /// The chains that the kernel calls.
    pub base_chains: Vec<BaseChain>,
    /// The rules of all chains.
    pub rules: Vec<ChainRule>,
}

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Chain {
    /// The family of its table.
    pub family: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Chain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.family, self.table, self.name)
    }
}

/// A chain that the kernel calls at a hook.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BaseChain {
    /// The family of its table.
    pub family: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// `prerouting`, `input`, `forward`, `output`, `postrouting`, `ingress`.
    pub hook: String,
    /// Lower comes first.
    #[serde(rename = "prio")]
    pub priority: i32,
    /// What happens to packets that no rule decided: `accept` or `drop`.
    #[serde(default = "accept")]
    pub policy: String,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ChainRule {
    /// The family of its table.
    pub family: String,
    /// Its table.
    pub table: String,
    /// Its chain.
    pub chain: String,
    /// The number by which its table knows it.
    pub handle: u64,
    /// Its statements, as `libnftables-json(5)` has them.
    #[serde(default, rename = "expr")]
    pub statements: Vec<Value>,
}

impl BaseChain {
    /// Its name, with where it is.
    pub fn chain(&self) -> Chain {
        let BaseChain { family, table, name, .. } = self.clone();
        Chain { family, table, name }
    }
}

impl ChainRule {
    /// Whether it may drop or reject packets itself.
    pub fn drops(&self) -> bool {
        let drops = |statement: &Value| {
            statement.get("drop").is_some()
                || statement.get("reject").is_some()
                || statement.pointer("/xt/name").is_some_and(|name| name == "REJECT")
        };
        self.statements.iter().any(drops)
    }

    /// The chain that it jumps or goes to.
    pub fn target(&self) -> Option<&str> {
        self.statements.iter().find_map(|statement| {
            let to = statement.get("jump").or_else(|| statement.get("goto"))?;
            to.get("target")?.as_str()
        })
    }
}

impl Ruleset {
    pub(super) fn from_json(listed: &Value) -> Self {
        Ruleset {
            base_chains: objects(listed, "chain").collect(),
            rules: objects(listed, "rule").collect(),
        }
    }

    /// The base chains of a hook, whose policy is to drop.
    pub fn drop_policies<'a>(&'a self, hook: &'a str) -> impl Iterator<Item = &'a BaseChain> {
        self.base_chains.iter().filter(move |chain| chain.hook == hook && chain.policy == "drop")
    }
}

fn accept() -> String {
    "accept".to_owned()
}

/// The objects of one kind; chains without a hook do not fit a [`BaseChain`] and fall out.
pub(super) fn objects<T: DeserializeOwned>(listed: &Value, kind: &str) -> impl Iterator<Item = T> {
    let all = listed.get("nftables").and_then(Value::as_array);
    let of_kind = all.into_iter().flatten().filter_map(move |object| object.get(kind));
    of_kind.filter_map(|object| T::deserialize(object).ok())
}

#[derive(Deserialize)]
struct ListedCounter {
    family: String,
    table: String,
    name: String,
    packets: u64,
    bytes: u64,
}

pub(super) fn counters(listed: &Value, table: &Table) -> BTreeMap<String, Counter> {
    objects::<ListedCounter>(listed, "counter")
        .filter(|counter| counter.family == table.family && counter.table == table.name)
        .map(|ListedCounter { name, packets, bytes, .. }| (name, Counter { packets, bytes }))
        .collect()
}

#[derive(Deserialize)]
struct ListedSet {
    name: String,
    #[serde(default, rename = "elem")]
    elements: Vec<Value>,
}

/// The elements of a set that are plain addresses.
pub(super) fn addresses(listed: &Value, set: &str) -> BTreeSet<IpAddr> {
    let sets = objects::<ListedSet>(listed, "set").filter(|one| one.name == set);
    sets.flat_map(|one| one.elements).filter_map(|one| one.as_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn base_chains_and_what_rules_do_are_read() {
        let listed = json!({"nftables": [
            {"metainfo": {"version": "1.0.6"}},
            {"table": {"family": "ip", "name": "filter", "handle": 1}},
            {"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 1,
                       "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}},
            {"chain": {"family": "ip", "table": "filter", "name": "DOCKER", "handle": 2}},
            {"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 3,
                      "expr": [{"counter": {"packets": 0, "bytes": 0}},
                               {"jump": {"target": "DOCKER"}}]}},
            {"rule": {"family": "ip", "table": "filter", "chain": "DOCKER", "handle": 4,
                      "expr": [{"drop": null}]}},
        ]});
        let ruleset = Ruleset::from_json(&listed);
        let policies: Vec<_> = ruleset.drop_policies("forward").map(|chain| &chain.name).collect();
        assert_eq!(policies, ["FORWARD"]);
        assert_eq!(ruleset.rules[0].target(), Some("DOCKER"));
        assert!(!ruleset.rules[0].drops() && ruleset.rules[1].drops());
    }
}
