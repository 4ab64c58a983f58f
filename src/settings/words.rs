//! The words of the settings. Each is said in three ways: `--pod-cidr`, `MOORLINE_POD_CIDR`,
//! and `pod-cidr` in the config file.

use std::collections::BTreeMap;

use super::origin::{Origin, Sourced};
use super::vpn_auth::VpnAuth;

/// A setting that is said in a word, beside `--vpn-auth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// The provider, where no `--vpn-auth` names it.
    Provider,
    /// The name that this node asks for.
    NodeName,
    /// The cluster's name.
    Cluster,
    /// The cluster's pod CIDRs.
    ClusterCidr,
    /// The cluster's service CIDRs.
    ServiceCidr,
    /// This node's share of the cluster's pods.
    PodCidr,
    /// Who routes the pods' traffic.
    Mode,
    /// The bridge that pods hang on.
    PodBridge,
    /// The stage to wait for.
    Wait,
    /// How long to wait for it.
    WaitFor,
    /// How long a join may take.
    JoinDeadline,
    /// Whether the node may be moved from another control server.
    Move,
    /// Whether the node may join again after an administrator put it out.
    Rejoin,
    /// The command that starts the VPN's daemon anew.
    RestartCommand,
    /// The address at which metrics can be read.
    Metrics,
    /// The directory of what is kept.
    StateDir,
    /// The directory of what lasts until the next boot.
    RunDir,
}

impl Word {
    /// All words, in the order in which they are shown.
    pub const ALL: [Word; 17] = [
        Word::Provider,
        Word::NodeName,
        Word::Cluster,
        Word::ClusterCidr,
        Word::ServiceCidr,
        Word::PodCidr,
        Word::Mode,
        Word::PodBridge,
        Word::Wait,
        Word::WaitFor,
        Word::JoinDeadline,
        Word::Move,
        Word::Rejoin,
        Word::RestartCommand,
        Word::Metrics,
        Word::StateDir,
        Word::RunDir,
    ];

    /// The word in the config file; with two dashes, the flag.
    pub const fn name(self) -> &'static str {
        match self {
            Word::Provider => "provider",
            Word::NodeName => "node-name",
            Word::Cluster => "cluster",
            Word::ClusterCidr => "cluster-cidr",
            Word::ServiceCidr => "service-cidr",
            Word::PodCidr => "pod-cidr",
            Word::Mode => "mode",
            Word::PodBridge => "pod-bridge",
            Word::Wait => "wait",
            Word::WaitFor => "wait-for",
            Word::JoinDeadline => "join-deadline",
            Word::Move => "move",
            Word::Rejoin => "rejoin",
            Word::RestartCommand => "restart-command",
            Word::Metrics => "metrics",
            Word::StateDir => "state-dir",
            Word::RunDir => "run-dir",
        }
    }

    /// The flag, with its dashes.
    pub fn flag(self) -> String {
        format!("--{}", self.name())
    }

    /// The variable of the environment.
    pub fn variable(self) -> String {
        format!("MOORLINE_{}", self.name().replace('-', "_").to_uppercase())
    }

    /// What its value looks like.
    pub const fn kind(self) -> Kind {
        match self {
            Word::ClusterCidr | Word::ServiceCidr | Word::PodCidr => Kind::List,
            Word::Move | Word::Rejoin => Kind::Answer,
            Word::Provider
            | Word::NodeName
            | Word::Cluster
            | Word::Mode
            | Word::PodBridge
            | Word::Wait
            | Word::WaitFor
            | Word::JoinDeadline
            | Word::RestartCommand
            | Word::Metrics
            | Word::StateDir
            | Word::RunDir => Kind::Text,
        }
    }

    /// The word of this name in the config file.
    pub fn named(name: &str) -> Option<Word> {
        Word::ALL.into_iter().find(|word| word.name() == name)
    }
}

/// What the value of a word looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One text.
    Text,
    /// True or false; as a flag it stands alone.
    Answer,
    /// Several texts, separated by commas or said again.
    List,
}

/// What the sources of one rank say, as it was typed.
#[derive(Debug, Default)]
pub struct Layer {
    /// Every `--vpn-auth` of this rank; they must agree.
    pub vpn_auth: Vec<VpnAuth>,
    words: BTreeMap<Word, Sourced<Vec<String>>>,
}

impl Layer {
    /// What the environment says in words. A variable that is set to nothing says nothing.
    pub fn environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let mut layer = Layer::default();
        for word in Word::ALL {
            let name = word.variable();
            if let Some(text) = variable(&name).filter(|text| !text.is_empty()) {
                layer.say(word, [text], Origin::Environment(name));
            }
        }
        layer
    }

    /// Sets a word. Lists are cut at their commas.
    pub fn say(&mut self, word: Word, texts: impl IntoIterator<Item = String>, origin: Origin) {
        let texts = texts.into_iter();
        let texts = match word.kind() {
            Kind::List => texts.flat_map(|text| cut_list(&text)).collect(),
            Kind::Text | Kind::Answer => texts.collect(),
        };
        self.words.insert(word, Sourced::new(texts, origin));
    }

    /// What was said for a word.
    pub fn word(&self, word: Word) -> Option<&Sourced<Vec<String>>> {
        self.words.get(&word)
    }
}

fn cut_list(text: &str) -> Vec<String> {
    text.split(',').map(|part| part.trim().to_owned()).collect()
}

/// All that was said, by rank.
#[derive(Debug, Default)]
pub struct Sources {
    /// The command line.
    pub flags: Layer,
    /// The environment.
    pub environment: Layer,
    /// The config file.
    pub file: Layer,
}

impl Sources {
    /// The ranks, the highest first.
    pub fn ranks(&self) -> [&Layer; 3] {
        [&self.flags, &self.environment, &self.file]
    }

    /// What the highest rank says for a word.
    pub fn word(&self, word: Word) -> Option<&Sourced<Vec<String>>> {
        self.ranks().into_iter().find_map(|layer| layer.word(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_makes_flag_and_variable() {
        assert_eq!(Word::PodCidr.flag(), "--pod-cidr");
        assert_eq!(Word::StateDir.variable(), "MOORLINE_STATE_DIR");
        for word in Word::ALL {
            assert_eq!(Word::named(word.name()), Some(word));
        }
    }

    #[test]
    fn every_word_is_in_the_reference() {
        let reference = include_str!("../../docs/reference/vpn-auth.md");
        for word in Word::ALL {
            let (flag, variable, name) = (word.flag(), word.variable(), word.name());
            let row = format!("| `{flag}` | `{variable}` | `{name}` |");
            assert!(reference.contains(&row), "{row}");
        }
    }

    #[test]
    fn the_highest_rank_wins_and_empty_variables_say_nothing() {
        let environment = Layer::environment(|name| match name {
            "MOORLINE_CLUSTER" => Some("blue".to_owned()),
            "MOORLINE_MODE" => Some(String::new()),
            _ => None,
        });
        let mut sources = Sources { environment, ..Sources::default() };
        sources.file.say(Word::Cluster, ["green".to_owned()], Origin::file("/c"));
        let cluster = sources.word(Word::Cluster).expect("said twice");
        assert_eq!(cluster.value, ["blue"]);
        assert_eq!(cluster.origin.to_string(), "environment MOORLINE_CLUSTER");
        assert_eq!(sources.word(Word::Mode), None);
    }
}
