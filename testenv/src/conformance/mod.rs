//! What every provider must do, whatever it stands on.
//!
//! A provider's tests say how to make a fresh [`Subject`], and get one test per promise of the
//! contract:
//!
//! ```text
//! testenv::conformance_suite!(async { MySubject::new().await });
//! ```

mod adoption;
mod cancelling;
mod idempotence;
mod leaving;
mod ledger;
mod looking;
mod secrets;
mod settings;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use provider_api::{Desired, Host, Network, Provider, ProviderSettings, Result, Secret};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::MemoryHost;

pub use adoption::{
    a_member_is_adopted_without_a_secret, adopting_and_leaving_restores_everything,
};
pub use cancelling::a_dropped_call_can_be_repeated;
pub use idempotence::{
    a_changed_wish_withdraws_the_old_one, a_second_apply_changes_nothing,
    a_second_join_changes_nothing, the_plan_is_empty_once_applied, underlay_advertises_nothing,
};
pub use leaving::{
    a_finished_login_is_not_taken_back, leaving_twice_is_leaving_once,
    logging_out_ends_our_own_enrolment,
};
pub use ledger::{every_change_was_recorded_before, nothing_changes_that_cannot_be_recorded};
pub use looking::{everything_survives_json, looking_changes_nothing, outside_changes_make_events};
pub use secrets::{a_missing_key_is_named, no_output_holds_a_secret, wrong_keys_are_refused};
pub use settings::{
    the_manifest_is_whole, the_policy_names_the_prefixes, wrong_settings_are_named,
};

/// One fresh node of a provider under test, with whatever it stands on.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The provider.
    fn provider(&self) -> &dyn Provider;

    /// Settings with which this node joins.
    fn settings(&self) -> ProviderSettings;

    /// The values of the secret keys in these settings.
    fn secrets(&self) -> BTreeMap<String, Secret>;

    /// Settings that the provider must refuse, each with the key that it must name.
    fn wrong_settings(&self) -> Vec<(ProviderSettings, String)>;

    /// Two different wishes for pod CIDRs, both inside the cluster's.
    fn wishes(&self) -> [Desired; 2];

    /// The kinds of control server that an operator may ask a policy for, in the provider's
    /// words.
    fn policy_servers(&self) -> Vec<String> {
        Vec::new()
    }

    /// All that the daemon and the kernel hold and that a call could change: the same value
    /// again is the same state again.
    async fn world(&self) -> Value;

    /// The part of it that cannot be changed without a record: all but what is known as the
    /// provider's own at sight, such as an ip rule of a preference that the manifest claims.
    async fn recorded(&self) -> Value {
        self.world().await
    }

    /// Whether the node is a member.
    async fn is_enrolled(&self) -> bool;

    /// Enrols the node as an administrator does, with a route and settings of their own that
    /// differ from what the provider makes them.
    async fn enrol_by_hand(&self);

    /// Makes the control server refuse the key, in every way that it can.
    async fn refuse_key(&self, way: usize) -> bool;

    /// Changes something outside that an observer of the network would see.
    async fn disturb(&self);
}

/// A subject, the host it was opened with, and its network.
pub(crate) struct Bench<S> {
    pub(crate) subject: S,
    pub(crate) host: Arc<MemoryHost>,
    pub(crate) network: Box<dyn Network>,
}

impl<S: Subject> Bench<S> {
    /// The network, opened with its secrets.
    pub(crate) fn new(subject: S) -> Self {
        let secrets = subject.secrets();
        Self::with_secrets(subject, secrets)
    }

    /// The network, opened with these secrets set and no others.
    pub(crate) fn with_secrets(subject: S, secrets: BTreeMap<String, Secret>) -> Self {
        let mut settings = subject.settings();
        settings.secrets.retain(|key| secrets.contains_key(key));
        let host = Arc::new(MemoryHost::new(secrets));
        let network = open(&subject, &settings, Arc::clone(&host)).expect("settings that join");
        Bench { subject, host, network }
    }

    /// The same node after a restart: another network, the same ledger.
    pub(crate) fn reopen(&mut self) {
        let settings = self.subject.settings();
        self.network =
            open(&self.subject, &settings, Arc::clone(&self.host)).expect("settings that join");
    }

    /// Joins, and asks for the first wish.
    pub(crate) async fn set_up(&self) -> Desired {
        let [wish, _] = self.subject.wishes();
        self.network.join().await.expect("a join");
        self.network.apply(&wish).await.expect("an apply");
        wish
    }
}

fn open<S: Subject>(
    subject: &S,
    settings: &ProviderSettings,
    host: Arc<MemoryHost>,
) -> Result<Box<dyn Network>> {
    subject.provider().open(settings, host as Arc<dyn Host>)
}

/// The same value, sent to another process and back.
pub(crate) fn survives_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).expect("a value that can be sent");
    let back: T = serde_json::from_str(&text).expect("a value that can be received");
    assert_eq!(&back, value, "{text}");
}

/// One test for each promise of the contract, on fresh subjects; skipped where the condition
/// does not hold.
#[macro_export]
macro_rules! conformance_suite {
    ($fresh:expr) => {
        $crate::conformance_suite!($fresh, if true);
    };
    ($fresh:expr, if $possible:expr) => {
        $crate::conformance_suite!(@tests $fresh, $possible;
            a_member_is_adopted_without_a_secret
            adopting_and_leaving_restores_everything
            a_dropped_call_can_be_repeated
            a_changed_wish_withdraws_the_old_one
            a_second_apply_changes_nothing
            a_second_join_changes_nothing
            the_plan_is_empty_once_applied
            underlay_advertises_nothing
            leaving_twice_is_leaving_once
            a_finished_login_is_not_taken_back
            logging_out_ends_our_own_enrolment
            every_change_was_recorded_before
            nothing_changes_that_cannot_be_recorded
            everything_survives_json
            looking_changes_nothing
            outside_changes_make_events
            a_missing_key_is_named
            no_output_holds_a_secret
            wrong_keys_are_refused
            the_manifest_is_whole
            the_policy_names_the_prefixes
            wrong_settings_are_named
        );
    };
    (@tests $fresh:expr, $possible:expr; $($promise:ident)*) => {
        $(
            #[tokio::test]
            async fn $promise() {
                if $possible {
                    $crate::conformance::$promise(async || $fresh.await).await;
                }
            }
        )*
    };
}
