//! What Moorline changed in a network, so that it can take back that and no more.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The ledger of one network. Written by entries, one at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Who enrolled this node; none before the first join.
    pub enrolment: Option<Enrolment>,
    /// What tells that enrolment from any other, in the provider's own words; null where it
    /// has none.
    #[serde(default)]
    pub identity: Value,
    /// The provider's settings that we changed, by the provider's own names.
    #[serde(default)]
    pub settings: BTreeMap<String, OwnedSetting>,
    /// The prefixes that we advertise. All others are the admin's.
    #[serde(default)]
    pub routes: BTreeSet<IpNet>,
}

/// Who enrolled the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enrolment {
    /// It was enrolled before Moorline came, and stays so when Moorline leaves.
    Adopted,
    /// Moorline enrolled it, and may log it out.
    Ours,
}

/// One setting that is ours for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedSetting {
    /// What it was before we first changed it; [`Value::Null`] also stands for "absent".
    pub was: Value,
    /// What we made it.
    pub made: Value,
    /// Whether it is back to what it was.
    pub restored: bool,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LedgerEntry {
    /// This node is enrolled. Who did it first stands until `Left`; the latest identity stands.
    Enrolled {
        /// Who enrolled it.
        by: Enrolment,
        /// What tells this enrolment from any other, in the provider's own words.
        #[serde(default)]
        identity: Value,
    },
    /// We are about to change a setting. The first `was` stands until it is restored.
    Changing {
        /// The provider's name of the setting.
        name: String,
        /// What it is now.
        was: Value,
        /// What it is about to be.
        made: Value,
    },
    /// A setting is back to what it was.
    Restored {
        /// The provider's name of the setting.
        name: String,
    },
    /// We are about to advertise a prefix that nobody advertised here.
    Advertising(IpNet),
    /// We withdrew a prefix of ours.
    Withdrawn(IpNet),
    /// The node is as it was before the first join: forget everything.
    Left,
}

impl Ledger {
    /// Takes one entry in. Pure; entering the same line twice is the same as once.
    pub fn enter(&mut self, entry: LedgerEntry) {
        match entry {
            LedgerEntry::Enrolled { by, identity } => {
                self.enrolment.get_or_insert(by);
                self.identity = identity;
            }
            LedgerEntry::Changing { name, was, made } => self.change(name, was, made),
            LedgerEntry::Restored { name } => {
                if let Some(setting) = self.settings.get_mut(&name) {
                    setting.restored = true;
                }
            }
            LedgerEntry::Advertising(prefix) => {
                self.routes.insert(prefix);
            }
            LedgerEntry::Withdrawn(prefix) => {
                self.routes.remove(&prefix);
            }
            LedgerEntry::Left => *self = Ledger::default(),
        }
    }

    fn change(&mut self, name: String, was: Value, made: Value) {
        match self.settings.get_mut(&name) {
            Some(setting) if !setting.restored => setting.made = made,
            Some(_) | None => {
                self.settings.insert(name, OwnedSetting { was, made, restored: false });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changing(was: Value, made: Value) -> LedgerEntry {
        LedgerEntry::Changing { name: "NoSNAT".into(), was, made }
    }

    #[test]
    fn the_first_value_stands_until_it_is_restored() {
        let mut ledger = Ledger::default();
        ledger.enter(changing(json!(false), json!(true)));
        ledger.enter(changing(json!(true), json!(null)));
        assert_eq!(ledger.settings["NoSNAT"].was, json!(false));
        assert_eq!(ledger.settings["NoSNAT"].made, json!(null));

        ledger.enter(LedgerEntry::Restored { name: "NoSNAT".into() });
        ledger.enter(changing(json!(true), json!(false)));
        assert_eq!(ledger.settings["NoSNAT"].was, json!(true));
    }

    #[test]
    fn an_adopted_node_stays_adopted() {
        let mut ledger = Ledger::default();
        let enrolled = |by, identity| LedgerEntry::Enrolled { by, identity: json!(identity) };
        ledger.enter(enrolled(Enrolment::Adopted, "first"));
        ledger.enter(enrolled(Enrolment::Ours, "second"));
        assert_eq!(ledger.enrolment, Some(Enrolment::Adopted));
        assert_eq!(ledger.identity, json!("second"));
    }

    #[test]
    fn a_ledger_of_an_earlier_version_is_read() {
        let ledger: Ledger = serde_json::from_value(json!({"enrolment": "ours"})).unwrap();
        assert_eq!((ledger.enrolment, ledger.identity), (Some(Enrolment::Ours), Value::Null));
    }
}
