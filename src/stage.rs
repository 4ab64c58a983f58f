//! How far a node has come.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How far a node has come. Each stage includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It is no member of the network.
    Apart,
    /// It has an address and an interface. Needs no pod CIDR.
    Joined,
    /// Its own routes are approved, and peers send traffic for them here.
    Served,
    /// A packet crossed from pod to pod, at full size too; or there is no other node yet.
    Proven,
}

impl Stage {
    /// All stages, from the lowest.
    pub const ALL: [Stage; 4] = [Stage::Apart, Stage::Joined, Stage::Served, Stage::Proven];

    /// The stage as it is written in flags and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Stage::Apart => "apart",
            Stage::Joined => "joined",
            Stage::Served => "served",
            Stage::Proven => "proven",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(word: &str) -> Result<Self, UnknownStage> {
        Stage::ALL
            .into_iter()
            .find(|stage| stage.word() == word)
            .ok_or_else(|| UnknownStage(word.to_owned()))
    }
}

/// A word that is no stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no stage is called `{0}`; known: joined, served, proven")]
pub struct UnknownStage(String);
