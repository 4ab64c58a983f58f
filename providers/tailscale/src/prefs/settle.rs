//! From what is wanted, what is recorded and what is so: what to change and what to record.

use std::collections::BTreeMap;

use ipnet::IpNet;
use provider_api::{Ledger, LedgerEntry};
use serde_json::Value;

use super::change::{PrefChange, diff};
use super::raw::Prefs;
use super::routes::{Merge, merge};

/// The ledger's name for the login itself: `was` holds all preferences before it.
pub(crate) const ENROLMENT: &str = "HaveNodeKey";

/// The ledger's name for a later login, while it is under way: `was` holds all preferences
/// before it.
pub(crate) const LOGIN: &str = "login under way";

/// The ledger's name for preferences that are off for a moment: `was` holds them as they were
/// and will be, `made` as they are meanwhile.
pub(crate) const TOGGLE: &str = "switched off for a moment";

/// The ledger's name for the nftables table that translates an admin's sources.
pub(crate) const TRANSLATION: &str = "nftables moorline-tailscale";

/// The ledger's name for our ip rules.
pub(crate) const RULES: &str = "ip rules";

const ROUTES: &str = "AdvertiseRoutes";

/// What the ledger holds beside preferences that are simply held and given back.
pub(crate) const APART: [&str; 6] = [ENROLMENT, LOGIN, TOGGLE, TRANSLATION, RULES, ROUTES];

/// The whole of what Moorline wants of the preferences. The empty one takes everything back.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Want {
    /// Preferences to hold.
    pub(crate) settings: BTreeMap<String, Value>,
    /// Prefixes to advertise.
    pub(crate) routes: Vec<IpNet>,
}

/// What follows from it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Settlement {
    /// What to change; none where all is as wanted.
    pub(crate) changes: Vec<PrefChange>,
    /// To be recorded before the changes are made.
    pub(crate) before: Vec<LedgerEntry>,
    /// To be recorded once they are made.
    pub(crate) after: Vec<LedgerEntry>,
    /// Preferences that an admin changed since, and that therefore stand.
    pub(crate) stands: Vec<String>,
}

/// Decides what to change and what to record, so that exactly what is wanted is ours.
pub(crate) fn settle(now: &Prefs, ledger: &Ledger, want: &Want) -> Settlement {
    let (mut settlement, mut target) = held(now, ledger, &want.settings);
    for name in given_up(ledger, want) {
        if let Some(was) = settlement.give_back(now, ledger, name) {
            target = target.with(name, was);
        }
    }
    if let Some(list) = settlement.route(now, ledger, &want.routes) {
        target = target.with(ROUTES, list);
    }
    settlement.changes = diff(now, &target);
    settlement
}

/// The same for these preferences alone: takes nothing back and touches no route.
pub(crate) fn hold(now: &Prefs, ledger: &Ledger, settings: &BTreeMap<String, Value>) -> Settlement {
    let (mut settlement, target) = held(now, ledger, settings);
    settlement.changes = diff(now, &target);
    settlement
}

fn held(now: &Prefs, ledger: &Ledger, settings: &BTreeMap<String, Value>) -> (Settlement, Prefs) {
    let mut settlement = Settlement::default();
    let mut target = now.clone();
    for (name, value) in settings {
        settlement.hold(now, ledger, name, value);
        target = target.with(name, value.clone());
    }
    (settlement, target)
}

/// What the ledger still holds as ours and nobody wants any more.
fn given_up<'a>(ledger: &'a Ledger, want: &'a Want) -> impl Iterator<Item = &'a str> {
    ledger
        .settings
        .iter()
        .filter(|(name, setting)| !setting.restored && !want.settings.contains_key(*name))
        .map(|(name, _)| name.as_str())
        .filter(|name| !APART.contains(name))
}

impl Settlement {
    fn hold(&mut self, now: &Prefs, ledger: &Ledger, name: &str, value: &Value) {
        let current = now.value(name);
        if current == value {
            return;
        }
        // What an admin made of it since is what a later leave goes back to.
        let ours = ledger.settings.get(name).filter(|setting| !setting.restored);
        if ours.is_some_and(|setting| &setting.made != current && &setting.was != current) {
            self.before.push(LedgerEntry::Restored { name: name.to_owned() });
        }
        self.before.push(LedgerEntry::Changing {
            name: name.to_owned(),
            was: current.clone(),
            made: value.clone(),
        });
    }

    fn give_back(&mut self, now: &Prefs, ledger: &Ledger, name: &str) -> Option<Value> {
        let setting = ledger.settings.get(name)?;
        self.after.push(LedgerEntry::Restored { name: name.to_owned() });
        let current = now.value(name);
        if current == &setting.made {
            return Some(setting.was.clone());
        }
        if current != &setting.was {
            self.stands.push(name.to_owned());
        }
        None
    }

    fn route(&mut self, now: &Prefs, ledger: &Ledger, wanted: &[IpNet]) -> Option<Value> {
        let current = now.value(ROUTES);
        let Merge { list, added, withdrawn } = merge(current, &ledger.routes, wanted);
        let list = if list.is_empty() { emptiness(current, ledger) } else { Value::Array(list) };
        if is_empty(current) && !is_empty(&list) {
            self.before.push(LedgerEntry::Changing {
                name: ROUTES.to_owned(),
                was: current.clone(),
                made: Value::Null,
            });
        }
        self.before.extend(added.into_iter().map(LedgerEntry::Advertising));
        self.after.extend(withdrawn.into_iter().map(LedgerEntry::Withdrawn));
        if is_empty(&list) && ledger.settings.get(ROUTES).is_some_and(|setting| !setting.restored) {
            self.after.push(LedgerEntry::Restored { name: ROUTES.to_owned() });
        }
        (&list != current).then_some(list)
    }
}

/// tailscaled tells an empty list from none, and shows either as it was given.
fn emptiness(current: &Value, ledger: &Ledger) -> Value {
    match ledger.settings.get(ROUTES) {
        _ if is_empty(current) => current.clone(),
        Some(setting) if !setting.restored => setting.was.clone(),
        Some(_) | None => Value::Array(vec![]),
    }
}

fn is_empty(list: &Value) -> bool {
    list.as_array().is_none_or(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::super::change::masked;
    use super::super::change::tests::{any_prefs, patched};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// A node and its ledger, as one.
    #[derive(Clone)]
    struct Node {
        prefs: Prefs,
        ledger: Ledger,
    }

    impl Node {
        fn new(prefs: Prefs) -> Self {
            Node { prefs, ledger: Ledger::default() }
        }

        fn settle(&mut self, want: &Want) -> Settlement {
            let settlement = settle(&self.prefs, &self.ledger, want);
            let entries = settlement.before.iter().chain(&settlement.after);
            entries.for_each(|entry| self.ledger.enter(entry.clone()));
            self.prefs = patched(&self.prefs, &masked(&settlement.changes));
            settlement
        }
    }

    fn any_want() -> impl Strategy<Value = Want> {
        let settings = prop::collection::btree_map(
            prop::sample::select(vec!["NoSNAT", "AutoUpdate.Apply"]).prop_map(String::from),
            any::<bool>().prop_map(Value::Bool),
            0..3,
        );
        let routes = prop::collection::vec(
            (0_u8..6).prop_map(|n| format!("10.{n}.0.0/16").parse().unwrap()),
            0..3,
        );
        (settings, routes).prop_map(|(settings, routes)| Want { settings, routes })
    }

    proptest! {
        #[test]
        fn what_is_wanted_holds_and_then_nothing_is_written(
            prefs in any_prefs(), wants in prop::collection::vec(any_want(), 1..4),
        ) {
            let mut node = Node::new(prefs);
            for want in &wants {
                node.settle(want);
                for (name, value) in &want.settings {
                    prop_assert_eq!(node.prefs.value(name), value);
                }
                for route in &want.routes {
                    prop_assert!(node.prefs.advertised().contains(route));
                }
                let again = node.settle(want);
                prop_assert_eq!(again.changes, vec![]);
                prop_assert_eq!(again.before, vec![]);
            }
        }

        #[test]
        fn leaving_gives_everything_back(
            prefs in any_prefs(), wants in prop::collection::vec(any_want(), 1..4),
        ) {
            let mut node = Node::new(prefs.clone());
            for want in &wants {
                node.settle(want);
            }
            node.settle(&Want::default());
            prop_assert_eq!(diff(&node.prefs, &prefs), vec![]);
            prop_assert!(node.ledger.routes.is_empty());
            prop_assert!(node.ledger.settings.values().all(|setting| setting.restored));
        }

        #[test]
        fn an_admins_change_stands(prefs in any_prefs(), want in any_want(), later in "[x-z]{4}") {
            let mut node = Node::new(prefs);
            let mut want = want;
            want.settings.insert("Hostname".into(), json!("ours"));
            node.settle(&want);
            node.prefs = node.prefs.clone().with("Hostname", json!(later));
            let left = node.settle(&Want::default());
            prop_assert_eq!(node.prefs.value("Hostname"), &json!(later));
            prop_assert_eq!(left.stands, vec!["Hostname".to_owned()]);
        }
    }

    #[test]
    fn an_empty_list_and_none_are_told_apart() {
        for empty in [json!(null), json!([])] {
            let before = Prefs::default().with(ROUTES, empty.clone());
            let mut node = Node::new(before);
            let routes = vec!["10.42.1.0/24".parse().unwrap()];
            node.settle(&Want { routes, ..Want::default() });
            node.settle(&Want::default());
            assert_eq!(node.prefs.value(ROUTES), &empty);
        }
    }

    #[test]
    fn what_an_admin_made_of_it_is_what_leaving_goes_back_to() {
        let mut node = Node::new(Prefs::default().with("Hostname", json!("first")));
        let want = Want {
            settings: BTreeMap::from([("Hostname".to_owned(), json!("ours"))]),
            ..Want::default()
        };
        node.settle(&want);
        node.prefs = node.prefs.clone().with("Hostname", json!("admins"));
        node.settle(&want);
        node.settle(&Want::default());
        assert_eq!(node.prefs.value("Hostname"), &json!("admins"));
    }

    #[test]
    fn the_first_write_is_recorded_before_it_is_made() {
        let want = Want {
            settings: BTreeMap::from([("NoSNAT".to_owned(), json!(true))]),
            routes: vec!["10.42.1.0/24".parse().unwrap()],
        };
        let settlement = settle(&Prefs::default(), &Ledger::default(), &want);
        let names: Vec<&str> =
            settlement.changes.iter().map(|change| change.name.as_str()).collect();
        assert_eq!(names, ["AdvertiseRoutes", "NoSNAT"]);
        assert_eq!(settlement.before.len(), 3);
    }
}
