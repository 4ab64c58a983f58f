//! The two traits that a provider implements.

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::{
    Desired, Finding, Host, Manifest, Membership, Observed, Plan, PolicyRequest, ProviderSettings,
    Result,
};

/// A kind of VPN: says what it is, and opens networks of its kind.
pub trait Provider: Send + Sync {
    /// What this provider is called, understands and takes for itself. Never changes.
    fn manifest(&self) -> &Manifest;

    /// Parses the settings. Does no I/O, so it also serves to check settings.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](crate::ErrorKind::Settings), naming the key that is wrong.
    fn open(&self, settings: &ProviderSettings, host: Arc<dyn Host>) -> Result<Box<dyn Network>>;

    /// The text that an operator puts into the control server's policy, so that these
    /// prefixes are approved and their traffic is let through; or the sentence that says why
    /// none is needed. Pure.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](crate::ErrorKind::Settings) for a request that has no policy.
    fn policy(&self, request: &PolicyRequest) -> Result<String>;
}

/// One VPN that this node is, or is about to be, a member of.
///
/// All calls may be repeated: each asks for a whole state, and does nothing where that state
/// already holds. Dropping a future stops the call between two steps; calling again goes on
/// from what is there. No call is made while another one that changes things runs.
#[async_trait]
pub trait Network: Send + Sync {
    /// What `join` and `apply` would change, without changing anything.
    async fn plan(&self, want: &Desired) -> Result<Plan>;

    /// Makes this node a member, or confirms that it is one. A node that is enrolled already
    /// is adopted as it is: no secret is asked for, nothing is reset. Advertises nothing.
    ///
    /// Reports its steps, and [`StepState::Pending`](crate::StepState::Pending) while somebody
    /// must act.
    async fn join(&self) -> Result<Membership>;

    /// Makes the desired state true: settings that the provider owns, own routes, rules.
    /// Each change is recorded in the ledger before it is made; what the host can tell from
    /// others' without a record, such as ip rules of our protocol number, may be taken back
    /// without one too. Returns once the daemon has
    /// taken the changes; approval may take longer and shows in [`Network::observe`].
    async fn apply(&self, want: &Desired) -> Result<Observed>;

    /// How things stand now. Changes nothing that traffic could notice.
    async fn observe(&self) -> Result<Observed>;

    /// Ticks whenever something changed: observe again. Ends when the daemon goes away.
    fn events(&self) -> BoxStream<'static, Event>;

    /// Nudges or restarts what is the provider's own. Changes no setting.
    async fn repair(&self, what: Repair) -> Result<()>;

    /// Takes back what the ledger says is ours, and no more. Needs no memory of `join`.
    async fn leave(&self, how: Leave) -> Result<()>;

    /// What the provider can tell about its own health. May take seconds: it asks the daemon,
    /// and the control server where it can.
    async fn diagnose(&self) -> Vec<Finding>;
}

/// How much to take back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leave {
    /// A login that never came to its end, and no more of a node that is enrolled.
    Unfinished,
    /// Our routes and settings; the node stays enrolled.
    Withdraw,
    /// The same, and where Moorline enrolled this node, its enrolment too.
    Logout,
}

/// Something changed in the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// Addresses, routes, peers or health: observe again.
    Changed,
    /// The daemon went away; the stream ends after this.
    Gone,
}

/// What to nudge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repair {
    /// Write the routes to peers into the kernel again, and what they hang on: the interface
    /// set up, with its addresses. May cut traffic for a moment where it takes that.
    PeerRoutes,
    /// Write the provider's firewall rules again.
    Firewall,
    /// Ask the control server for news about this node's own routes.
    Refresh,
    /// Start the daemon anew. A host that was told a command for it runs that one instead; a
    /// provider whose daemon is not its own to start answers
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
    Restart,
}
