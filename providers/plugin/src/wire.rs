//! What is said on the wire: JSON-RPC 2.0, one message a line.
//!
//! Both sides call and both sides answer. Each side numbers its own requests. Whatever a plugin
//! says belongs to one running call of the host, by that call's number.

mod error;
mod line;

use provider_api::{
    Desired, Event, Leave, LedgerEntry, Manifest, PolicyRequest, ProviderSettings, Repair, Step,
};
use serde::{Deserialize, Serialize};

pub(crate) use error::{RpcError, wrong_shape};
pub(crate) use line::{Answer, Line, Unreadable, answer, notice, request};

/// The version of this protocol. The host offers those that it speaks, and the plugin takes one.
pub const PROTOCOL_VERSION: u32 = 1;

/// The longest line that either side reads, in bytes: an observed network of some thousand
/// peers fits.
pub(crate) const LONGEST_LINE: usize = 4 << 20;

/// The number of a request, by the side that sent it.
pub(crate) type Id = u64;

/// What names the methods of one direction.
pub(crate) trait Methods {
    /// Every method, as it is written.
    const NAMES: &'static [&'static str];
}

/// What the host asks of a plugin: the calls of the contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// The first request. Answered by [`Initialized`].
    Initialize(Initialize),
    /// Opens a network under a number that the host chose. Answered by null.
    Open { network: u64, settings: Box<ProviderSettings> },
    /// Answered by the text.
    Policy(PolicyRequest),
    /// Answered by a plan.
    Plan { network: u64, want: Desired },
    /// Answered by a membership.
    Join { network: u64 },
    /// Answered by what is observed.
    Apply { network: u64, want: Desired },
    /// Answered by what is observed.
    Observe { network: u64 },
    /// Stays open while events are wanted; answered by null after the last one.
    Events { network: u64 },
    /// Answered by null.
    Repair { network: u64, what: Repair },
    /// Answered by null.
    Leave { network: u64, how: Leave },
    /// Answered by a list of findings.
    Diagnose { network: u64 },
}

impl Request {
    /// Its method, as it is written.
    pub(crate) fn method(&self) -> &'static str {
        match self {
            Request::Initialize(_) => "initialize",
            Request::Open { .. } => "open",
            Request::Policy(_) => "policy",
            Request::Plan { .. } => "plan",
            Request::Join { .. } => "join",
            Request::Apply { .. } => "apply",
            Request::Observe { .. } => "observe",
            Request::Events { .. } => "events",
            Request::Repair { .. } => "repair",
            Request::Leave { .. } => "leave",
            Request::Diagnose { .. } => "diagnose",
        }
    }

    /// The network that it is about.
    pub(crate) fn network(&self) -> Option<u64> {
        match self {
            Request::Initialize(_) | Request::Policy(_) => None,
            Request::Open { network, .. }
            | Request::Plan { network, .. }
            | Request::Join { network }
            | Request::Apply { network, .. }
            | Request::Observe { network }
            | Request::Events { network }
            | Request::Repair { network, .. }
            | Request::Leave { network, .. }
            | Request::Diagnose { network } => Some(*network),
        }
    }
}

impl Methods for Request {
    const NAMES: &'static [&'static str] = &[
        "initialize",
        "open",
        "policy",
        "plan",
        "join",
        "apply",
        "observe",
        "events",
        "repair",
        "leave",
        "diagnose",
    ];
}

/// What the host tells a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "kebab-case")]
pub(crate) enum Notice {
    /// Stop this call between two steps, and answer it with
    /// [`CANCELLED`](RpcError::CANCELLED), or with its result where that is there already.
    Cancel { call: Id },
    /// Nobody uses this network any longer.
    Close { network: u64 },
}

impl Methods for Notice {
    const NAMES: &'static [&'static str] = &["cancel", "close"];
}

/// What a plugin asks of the host while a call runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "kebab-case")]
pub(crate) enum Question {
    /// Answered by the ledger.
    Ledger { call: Id },
    /// Answered by null once the entry is on disk.
    Record { call: Id, entry: LedgerEntry },
    /// Answered by the value as text, or null where it is not set.
    Secret { call: Id, key: String },
}

impl Methods for Question {
    const NAMES: &'static [&'static str] = &["ledger", "record", "secret"];
}

impl Question {
    /// The call that it belongs to.
    pub(crate) fn call(&self) -> Id {
        match self {
            Question::Ledger { call }
            | Question::Record { call, .. }
            | Question::Secret { call, .. } => *call,
        }
    }
}

/// What a plugin tells the host while a call runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "kebab-case")]
pub(crate) enum News {
    /// How far the call is.
    Progress { call: Id, step: Step },
    /// What the call `events` is for.
    Event { call: Id, event: Event },
}

impl Methods for News {
    const NAMES: &'static [&'static str] = &["progress", "event"];
}

/// The host introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Initialize {
    /// The versions of the protocol that the host speaks.
    pub(crate) protocols: Vec<u32>,
    /// The version of the contract, [`CONTRACT_VERSION`](provider_api::CONTRACT_VERSION).
    pub(crate) contract: u32,
    /// The host and its version, such as `moorline 0.1.0`: for logs.
    pub(crate) host: String,
}

/// The plugin introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Initialized {
    /// The version that is spoken from now on.
    pub(crate) protocol: u32,
    /// What the plugin is; its `contract` must be the host's.
    pub(crate) manifest: Manifest,
}

#[cfg(test)]
mod tests;
