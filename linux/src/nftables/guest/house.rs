//! Whether somebody's chain has to ask the guest, and where. Pure.

use serde_json::Value;

use super::{Guest, rules};
use crate::nftables::{Chain, ChainRule};

/// A chain of somebody's that the kernel calls, and the guest in its table.
pub(super) struct House {
    pub(super) chain: Chain,
    pub(super) drops_by_policy: bool,
    pub(super) rules: Vec<ChainRule>,
    /// The guest's rules there, where it has a chain.
    pub(super) guest: Option<Vec<ChainRule>>,
}

/// How the guest comes into a chain.
pub(super) struct Invitation {
    pub(super) chain: Chain,
    pub(super) guest: String,
    /// The guest's own rules, which may replace somebody's change.
    pub(super) wanted: Vec<String>,
    /// The jumps to it that come too late, by handle.
    pub(super) leave: Vec<u64>,
    /// Where it is to be asked; none where it is.
    pub(super) ask: Option<Place>,
}

/// Where a rule goes.
pub(super) enum Place {
    /// Before the rule of this handle.
    Before(u64),
    /// To the end.
    Last,
}

/// What a chain does with packets that no rule of it decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Default {
    /// Lets them pass.
    Accept,
    /// Drops them at its end, by its policy.
    DropAtEnd,
    /// Drops or rejects them by the rule at this place, which asks for nothing.
    DropAt(usize),
}

impl House {
    /// How the guest comes in; none where it is not needed, or there already.
    pub(super) fn invitation(&self, guest: &Guest) -> Option<Invitation> {
        let wanted = rules::wanted(guest, &self.chain.family);
        let default = self.default();
        if wanted.is_empty() || default == Default::Accept {
            return None;
        }
        let is_asked = self.is_asked(guest, default);
        if is_asked && self.guest.as_ref().is_some_and(|there| rules::are(there, &wanted)) {
            return None;
        }
        let place = match default {
            Default::DropAt(place) => Place::Before(self.rules[place].handle),
            Default::DropAtEnd | Default::Accept => Place::Last,
        };
        let (leave, ask) = match is_asked {
            true => (Vec::new(), None),
            false => (jumps(&self.rules, &guest.chain), Some(place)),
        };
        let name = guest.chain.clone();
        Some(Invitation { chain: self.chain.clone(), guest: name, wanted, leave, ask })
    }

    fn default(&self) -> Default {
        let decided = self.rules.iter().position(|rule| verdict_for_all(rule).is_some());
        match decided.map(|place| (place, verdict_for_all(&self.rules[place]))) {
            Some((place, Some(Verdict::Drop))) => Default::DropAt(place),
            Some(_) => Default::Accept,
            None if self.drops_by_policy => Default::DropAtEnd,
            None => Default::Accept,
        }
    }

    /// Whether the guest is asked before the packet is dropped.
    fn is_asked(&self, guest: &Guest, default: Default) -> bool {
        let place = self.rules.iter().position(|rule| is_jump(rule, &guest.chain));
        place.is_some_and(|place| match default {
            Default::DropAt(end) => place < end,
            Default::DropAtEnd | Default::Accept => true,
        })
    }
}

impl Invitation {
    /// What `nft -f` takes.
    pub(super) fn script(&self) -> String {
        let Invitation { chain, wanted, .. } = self;
        let guest = Chain { name: self.guest.clone(), ..chain.clone() };
        let rules = wanted.iter().map(|rule| format!("add rule {guest} {rule} counter accept\n"));
        let jump = format!("counter jump {}", self.guest);
        let ask = match self.ask {
            Some(Place::Before(handle)) => format!("insert rule {chain} handle {handle} {jump}\n"),
            Some(Place::Last) => format!("add rule {chain} {jump}\n"),
            None => String::new(),
        };
        let rules: String = rules.collect();
        let leave = deletions(chain, &self.leave);
        format!("add chain {guest}\nflush chain {guest}\n{rules}{leave}{ask}")
    }
}

/// The rules that jump there, by handle.
pub(super) fn jumps(rules: &[ChainRule], to: &str) -> Vec<u64> {
    rules.iter().filter(|rule| is_jump(rule, to)).map(|rule| rule.handle).collect()
}

/// The script that deletes these rules of a chain.
pub(super) fn deletions(chain: &Chain, handles: &[u64]) -> String {
    handles.iter().map(|handle| format!("delete rule {chain} handle {handle}\n")).collect()
}

/// Whether every packet jumps there.
fn is_jump(rule: &ChainRule, to: &str) -> bool {
    let mut deciding = deciding(rule);
    rule.target() == Some(to) && deciding.next().is_some() && deciding.next().is_none()
}

enum Verdict {
    Accept,
    Drop,
}

/// What a rule does with every packet; none where it asks for something, or goes on.
fn verdict_for_all(rule: &ChainRule) -> Option<Verdict> {
    let mut deciding = deciding(rule);
    let (only, None) = (deciding.next()?, deciding.next()) else { return None };
    if only.get("accept").is_some() {
        return Some(Verdict::Accept);
    }
    rule.drops().then_some(Verdict::Drop)
}

/// The statements that may decide: all but those that count or write into a log.
fn deciding(rule: &ChainRule) -> impl Iterator<Item = &Value> {
    let only_notes = |one: &&Value| one.get("counter").is_some() || one.get("log").is_some();
    rule.statements.iter().filter(move |one| !only_notes(one))
}
