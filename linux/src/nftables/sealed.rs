//! A table of ours that tells whether it is still as we wrote it: an empty chain in it is named
//! after all that stands there. So nothing has to be remembered elsewhere, and no text that one
//! version of `nft` prints has to be the text of another.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::Table;
use crate::error::Result;

/// What the name of that chain begins with.
const SEAL: &str = "sealed-";

impl Table {
    /// Whether this body stands in the table, as [`Table::ensure`] wrote it, to the last rule.
    /// Counters may count, and sets may fill.
    pub async fn holds(&self, body: &str) -> Result<bool> {
        let listed = self.listing().await?;
        Ok(listed.is_some_and(|listed| is_sealed(&listed, &seal(body, &listed))))
    }

    /// Makes the table hold this body, and nothing else. Returns whether it was written.
    pub async fn ensure(&self, body: &str) -> Result<bool> {
        if self.holds(body).await? {
            return Ok(false);
        }
        self.replace(body).await?;
        // One that is gone already has nothing to be sealed.
        if let Some(listed) = self.listing().await? {
            self.run(&format!("add chain {self} {}\n", seal(body, &listed)), "seal").await?;
        }
        Ok(true)
    }
}

fn is_sealed(listed: &Value, seal: &str) -> bool {
    objects(listed).any(|object| is_chain(object, |name| name == seal))
}

/// The name of the chain that seals this listing of this body.
fn seal(body: &str, listed: &Value) -> String {
    let mut digest = DefaultHasher::new();
    body.hash(&mut digest);
    for object in objects(listed) {
        let is_seal = is_chain(object, |name| name.starts_with(SEAL));
        if object.get("metainfo").is_none() && !is_seal {
            steady(object).to_string().hash(&mut digest);
        }
    }
    format!("{SEAL}{:016x}", digest.finish())
}

fn is_chain(object: &Value, has_name: impl Fn(&str) -> bool) -> bool {
    let name = object.pointer("/chain/name").and_then(Value::as_str);
    name.is_some_and(has_name)
}

fn objects(listed: &Value) -> impl Iterator<Item = &Value> {
    listed.get("nftables").and_then(Value::as_array).into_iter().flatten()
}

/// The same without handles, what counters count, and the elements of sets.
fn steady(value: &Value) -> Value {
    const UNSTEADY: [&str; 3] = ["handle", "counter", "elem"];
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(key, _)| !UNSTEADY.contains(&key.as_str()));
            kept.map(|(key, value)| (key.clone(), steady(value))).collect()
        }
        Value::Array(members) => members.iter().map(steady).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Host};

    const BODY: &str = "set nodes { type ipv4_addr; elements = { 192.0.2.1 }; }
        chain out { type nat hook postrouting priority srcnat; policy accept;
            ip daddr @nodes counter return
            ip saddr 10.42.1.0/24 masquerade
        }";

    /// What was done to the table, seen by [`Table::holds`].
    fn holds_after(host: &Host, table: &Table, lines: &str) -> bool {
        host.block_on(async || table.ensure(BODY).await.unwrap());
        host.sh(lines);
        host.block_on(async || table.holds(BODY).await.unwrap())
    }

    #[test]
    fn a_table_is_written_once() {
        if !testing::is_root() {
            return;
        }
        let (host, table) = (Host::new(), Table::inet("moorline_test"));
        host.block_on(async || {
            assert!(!table.holds(BODY).await.unwrap());
            assert!(table.ensure(BODY).await.unwrap());
            assert!(!table.ensure(BODY).await.unwrap());
            let nodes = ["192.0.2.1", "192.0.2.2"].map(|at| at.parse().unwrap());
            table.add_addresses("nodes", &nodes).await.unwrap();
            table.add_addresses("nodes", &nodes).await.unwrap();
            assert_eq!(table.addresses("nodes").await.unwrap(), nodes.into());
            assert!(table.holds(BODY).await.unwrap());
            let other = BODY.replace("10.42.1.0", "10.42.2.0");
            assert!(table.ensure(&other).await.unwrap());
            assert!(!table.holds(BODY).await.unwrap() && table.holds(&other).await.unwrap());
            assert!(table.remove().await.unwrap() && !table.remove().await.unwrap());
            assert!(table.addresses("nodes").await.unwrap().is_empty());
        });
    }

    #[test]
    fn whatever_somebody_changes_in_it_is_seen() {
        if !testing::is_root() {
            return;
        }
        let (host, table) = (Host::new(), Table::inet("moorline_test"));
        let holds_after = |lines| holds_after(&host, &table, lines);
        assert!(holds_after("nft add table inet other; nft add chain inet other x"));
        for lines in [
            "nft flush ruleset",
            "nft delete table inet moorline_test",
            "nft flush chain inet moorline_test out",
            "nft delete rule inet moorline_test out handle $(nft -a list table inet moorline_test |
                 sed -n 's/.*masquerade # handle //p')",
            "nft replace rule inet moorline_test out handle $(nft -a list table inet moorline_test |
                 sed -n 's/.*masquerade # handle //p') ip saddr 10.42.2.0/24 masquerade",
            "nft add rule inet moorline_test out accept",
            "nft delete rule inet moorline_test out handle $(nft -a list table inet moorline_test |
                 sed -n 's/.*@nodes .* # handle //p')",
            "nft add chain inet moorline_test more",
            "nft 'add chain inet moorline_test out { policy drop; }'",
            "nft add table inet moorline_test { flags dormant\\; }",
        ] {
            assert!(!holds_after(lines), "`{lines}` was not seen");
        }
    }

    #[test]
    fn what_counts_is_no_change() {
        if !testing::is_root() {
            return;
        }
        let (host, table) = (Host::new(), Table::inet("moorline_test"));
        let count = "ip address add 10.42.1.1/24 dev lo; ip address add 192.0.2.1/32 dev lo
                     ping -c1 -W1 -I 10.42.1.1 192.0.2.1 >/dev/null
                     nft list table inet moorline_test | grep -q 'packets [1-9]'";
        assert!(holds_after(&host, &table, count));
    }
}
