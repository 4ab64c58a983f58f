//! The difference between two sets of preferences, as a value.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::raw::Prefs;

/// Objects whose parts have a mask of their own (`ipn/prefs.go:406`).
const IN_PARTS: [&str; 1] = ["AutoUpdate"];

/// What no client may set: the login's identity, and a daemon's own memory.
const NEVER_SET: [&str; 2] = ["Config", "InternalExitNodePrior"];

/// One preference that differs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PrefChange {
    /// The preference.
    pub(crate) name: String,
    /// What it is.
    pub(crate) from: Value,
    /// What it is to be.
    pub(crate) to: Value,
}

/// Every change that makes `from` into `to`, in the order of names. Absent and null are the same.
pub(crate) fn diff(from: &Prefs, to: &Prefs) -> Vec<PrefChange> {
    names(from)
        .union(&names(to))
        .filter(|name| from.value(name) != to.value(name))
        .map(|name| PrefChange {
            name: name.clone(),
            from: from.value(name).clone(),
            to: to.value(name).clone(),
        })
        .collect()
}

/// The body of `PATCH prefs` that makes these changes and touches nothing else: values and
/// their `...Set` marks side by side (`ipn/prefs.go:351`).
pub(crate) fn masked(changes: &[PrefChange]) -> Value {
    let mut body = Prefs::default();
    for PrefChange { name, to, .. } in changes {
        let mark = match name.split_once('.') {
            Some((outer, inner)) => format!("{outer}Set.{inner}Set"),
            None => format!("{name}Set"),
        };
        body = body.with(name, to.clone()).with(&mark, Value::Bool(true));
    }
    Value::Object(body.0)
}

/// These preferences with the changes made.
pub(crate) fn changed(prefs: &Prefs, changes: &[PrefChange]) -> Prefs {
    let with = |prefs: Prefs, change: &PrefChange| prefs.with(&change.name, change.to.clone());
    changes.iter().fold(prefs.clone(), with)
}

fn names(prefs: &Prefs) -> BTreeSet<String> {
    prefs
        .0
        .iter()
        .filter(|(name, _)| !NEVER_SET.contains(&name.as_str()))
        .flat_map(|(name, value)| names_of(name, value))
        .collect()
}

fn names_of(name: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Object(parts) if IN_PARTS.contains(&name) => inner_names(name, parts),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => vec![name.to_owned()],
    }
}

fn inner_names(outer: &str, parts: &Map<String, Value>) -> Vec<String> {
    parts.keys().map(|inner| format!("{outer}.{inner}")).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// What tailscaled does with a masked body (`ipn/prefs.go:431`), written anew.
    pub(in crate::prefs) fn patched(prefs: &Prefs, body: &Value) -> Prefs {
        let body = body.as_object().unwrap();
        let mut after = prefs.clone();
        for (mark, set) in body.iter().filter(|(key, _)| key.ends_with("Set")) {
            let name = mark.strip_suffix("Set").unwrap();
            let value = body.get(name).cloned().unwrap_or(Value::Null);
            match set {
                Value::Bool(true) => after = after.with(name, value),
                Value::Object(inner) => {
                    for part in inner.keys() {
                        let part = part.strip_suffix("Set").unwrap();
                        after = after.with(&format!("{name}.{part}"), value[part].clone());
                    }
                }
                other @ (Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_)) => panic!("a mark must be true or an object, not {other}"),
            }
        }
        after
    }

    pub(in crate::prefs) fn any_prefs() -> impl Strategy<Value = Prefs> {
        let flag = || prop_oneof![Just(json!(null)), any::<bool>().prop_map(|on| json!(on))];
        let routes = prop_oneof![
            Just(json!(null)),
            prop::collection::vec(0_u8..6, 0..4).prop_map(|nets| json!(
                nets.iter().map(|n| format!("10.{n}.0.0/16")).collect::<Vec<_>>()
            )),
        ];
        (flag(), flag(), flag(), "[a-z]{0,3}", routes, 0_u8..3, any::<bool>()).prop_map(
            |(snat, apply, check, hostname, routes, netfilter, unknown)| {
                let mut prefs = json!({
                    "NoSNAT": snat, "Hostname": hostname, "AdvertiseRoutes": routes,
                    "AutoUpdate": {"Check": check, "Apply": apply}, "NetfilterMode": netfilter,
                    "Config": {"NodeID": "1"},
                });
                if unknown {
                    prefs["FromTheFuture"] = json!({"deep": [1]});
                }
                serde_json::from_value(prefs).unwrap()
            },
        )
    }

    proptest! {
        #[test]
        fn the_changes_lead_from_one_to_the_other(a in any_prefs(), b in any_prefs()) {
            let after = patched(&a, &masked(&diff(&a, &b)));
            prop_assert_eq!(diff(&after, &b), vec![]);
            prop_assert_eq!(diff(&changed(&a, &diff(&a, &b)), &b), vec![]);
        }

        #[test]
        fn nothing_else_is_touched(a in any_prefs(), b in any_prefs()) {
            let changes = diff(&a, &b);
            let after = patched(&a, &masked(&changes));
            for touched in diff(&a, &after) {
                prop_assert!(changes.iter().any(|change| change.name == touched.name));
            }
            prop_assert_eq!(a.value("Config"), after.value("Config"));
        }

        #[test]
        fn nothing_differs_from_itself(a in any_prefs()) {
            prop_assert_eq!(diff(&a, &a), vec![]);
        }
    }

    #[test]
    fn the_mask_of_auto_update_is_an_object() {
        let change =
            PrefChange { name: "AutoUpdate.Apply".into(), from: json!(null), to: json!(false) };
        assert_eq!(
            masked(&[change]),
            json!({"AutoUpdate": {"Apply": false}, "AutoUpdateSet": {"ApplySet": true}})
        );
    }

    #[test]
    fn identity_is_never_part_of_a_change() {
        let one = Prefs::default().with("Config", json!({"NodeID": "1"}));
        assert_eq!(diff(&one, &Prefs::default()), vec![]);
    }
}
