//! The preferences that Moorline owns while the node is in a cluster.

use std::collections::BTreeMap;

use provider_api::{Enrolment, RouteMode};
use serde_json::Value;

/// One preference that is ours, and why.
#[derive(Debug)]
pub(crate) struct Owned {
    /// The preference.
    pub(crate) name: &'static str,
    /// What we make it.
    pub(crate) value: bool,
    /// Where it is ours at all.
    pub(crate) when: When,
    /// Why it must be so, in a few words.
    pub(crate) why: &'static str,
}

/// Where a preference is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Where Moorline routes the pods' traffic.
    Routed,
    /// On nodes that Moorline enrolled itself.
    EnrolledByUs,
}

/// All of them, beside our own entries in `AdvertiseRoutes` and what `extraArgs` ask for.
/// Each is in the ledger with what it was, and goes back to that on leave unless an admin
/// changed it since.
pub(crate) const OWNED: [Owned; 4] = [
    Owned {
        name: "RouteAll",
        value: true,
        when: When::Routed,
        why: "routes to the other nodes' pods",
    },
    Owned { name: "NoSNAT", value: true, when: When::Routed, why: "pods keep their addresses" },
    Owned {
        name: "NoStatefulFiltering",
        value: true,
        when: When::Routed,
        why: "pods behind this node may open connections",
    },
    Owned {
        name: "CorpDNS",
        value: false,
        when: When::EnrolledByUs,
        why: "the node's resolv.conf is left alone",
    },
];

/// The preferences to hold in this mode on this node; what the operator asked for wins.
pub(crate) fn wanted(
    mode: RouteMode,
    enrolment: Enrolment,
    asked: &BTreeMap<String, Value>,
) -> BTreeMap<String, Value> {
    let applies = |when| match when {
        When::Routed => mode == RouteMode::Routed,
        When::EnrolledByUs => enrolment == Enrolment::Ours,
    };
    let mut wanted: BTreeMap<String, Value> = OWNED
        .iter()
        .filter(|owned| applies(owned.when))
        .map(|owned| (owned.name.to_owned(), Value::Bool(owned.value)))
        .collect();
    wanted.extend(asked.clone());
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dns_is_left_alone_on_adopted_nodes() {
        let nothing = BTreeMap::new();
        let adopted = wanted(RouteMode::Routed, Enrolment::Adopted, &nothing);
        assert!(adopted.contains_key("RouteAll") && !adopted.contains_key("CorpDNS"));
        let ours = wanted(RouteMode::Underlay, Enrolment::Ours, &nothing);
        assert_eq!(ours, BTreeMap::from([("CorpDNS".to_owned(), json!(false))]));
    }

    #[test]
    fn the_operator_wins() {
        let asked = BTreeMap::from([("CorpDNS".to_owned(), json!(true))]);
        assert_eq!(wanted(RouteMode::Underlay, Enrolment::Ours, &asked), asked);
    }
}
