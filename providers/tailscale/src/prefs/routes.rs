//! `AdvertiseRoutes`: a list that we share with the admin.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde_json::Value;

/// What becomes of the list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Merge {
    /// The list as it is to be: the admin's entries in the admin's order, then ours.
    pub(super) list: Vec<Value>,
    /// Prefixes that nobody advertises yet.
    pub(super) added: Vec<IpNet>,
    /// Prefixes of ours that are wanted no more.
    pub(super) withdrawn: Vec<IpNet>,
}

/// Merges what we want into the list. `ours` is what the ledger says that we put there.
pub(super) fn merge(now: &Value, ours: &BTreeSet<IpNet>, wanted: &[IpNet]) -> Merge {
    let wanted: BTreeSet<IpNet> = wanted.iter().map(IpNet::trunc).collect();
    let withdrawn: Vec<IpNet> = ours.difference(&wanted).copied().collect();
    let mut list: Vec<Value> = now.as_array().cloned().unwrap_or_default();
    list.retain(|entry| prefix(entry).is_none_or(|prefix| !withdrawn.contains(&prefix)));
    let there: BTreeSet<IpNet> = list.iter().filter_map(prefix).collect();
    let added: Vec<IpNet> = wanted.difference(&there).copied().collect();
    list.extend(added.iter().map(|prefix| Value::String(prefix.to_string())));
    Merge { list, added, withdrawn }
}

fn prefix(entry: &Value) -> Option<IpNet> {
    entry.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn nets(text: &[&str]) -> Vec<IpNet> {
        text.iter().map(|net| net.parse().unwrap()).collect()
    }

    #[test]
    fn the_admins_entries_keep_their_order() {
        let now = json!(["192.168.7.0/24", "10.42.1.0/24", "10.0.0.0/9"]);
        let ours = nets(&["10.42.1.0/24"]).into_iter().collect();
        let merge = merge(&now, &ours, &nets(&["10.42.2.0/24"]));
        assert_eq!(merge.list, ["192.168.7.0/24", "10.0.0.0/9", "10.42.2.0/24"]);
        assert_eq!(merge.added, nets(&["10.42.2.0/24"]));
        assert_eq!(merge.withdrawn, nets(&["10.42.1.0/24"]));
    }

    #[test]
    fn a_prefix_that_the_admin_advertises_is_not_added() {
        let merge = merge(&json!(["10.42.1.0/24"]), &BTreeSet::new(), &nets(&["10.42.1.0/24"]));
        assert_eq!(merge.added, nets(&[]));
    }

    #[test]
    fn host_bits_are_cut_off() {
        let merge = merge(&json!(null), &BTreeSet::new(), &nets(&["10.42.1.7/24"]));
        assert_eq!(merge.list, ["10.42.1.0/24"]);
    }
}
