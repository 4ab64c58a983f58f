//! The calls.

use std::path::PathBuf;
use std::time::Duration;

use provider_api::Secret;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::error::{Cause, ClientError, said};
use super::status::Status;
use super::transport::{Transport, Version};
use super::watch::{Notifications, watch};
use crate::prefs::{PrefChange, Prefs, masked};
use crate::route_stage::PacketFilter;

/// A daemon that starts keeps requests waiting until it is ready.
const PATIENCE: Duration = Duration::from_secs(10);

/// Logging out asks the control server.
const LOGOUT: Duration = Duration::from_secs(20);

/// State, preferences and health at once, no network map (`ipn/backend.go:82`): portable
/// from 1.66 on.
const LOGIN_NEWS: u32 = 2 | 4 | 128 | 8192;

/// The same, and what changes with peers; older daemons ignore those bits.
const ALL_NEWS: u32 = LOGIN_NEWS | 4096 | 32768;

/// tailscaled's LocalAPI. Every call has a deadline.
#[derive(Debug, Clone)]
pub(crate) struct LocalApi {
    transport: Transport,
}

impl LocalApi {
    /// The API behind this socket. Connects at the first call.
    pub(crate) fn new(socket: PathBuf) -> provider_api::Result<Self> {
        Ok(LocalApi { transport: Transport::new(socket)? })
    }

    /// The version that the latest answer named.
    pub(crate) fn version(&self) -> Version {
        self.transport.version()
    }

    /// How the daemon and this node stand, and all peers.
    pub(crate) async fn status(&self) -> Result<Status, ClientError> {
        self.read("status", "status").await
    }

    /// How the daemon and this node stand.
    pub(crate) async fn own_status(&self) -> Result<Status, ClientError> {
        self.read("status", "status?peers=false").await
    }

    /// The preferences.
    pub(crate) async fn prefs(&self) -> Result<Prefs, ClientError> {
        self.read("prefs", "prefs").await
    }

    /// The id of the profile in use, which the daemon draws at a first login; empty before. May
    /// be read by those alone who may write.
    pub(crate) async fn profile(&self) -> Result<String, ClientError> {
        #[derive(Deserialize)]
        struct Profile {
            #[serde(rename = "ID", default)]
            id: String,
        }
        let profile: Profile = self.read("profiles", "profiles/current").await?;
        Ok(profile.id)
    }

    /// Makes these changes and no others; returns the preferences after.
    ///
    /// Where the answer was lost on the way, the preferences tell whether they were made: the
    /// daemon was seen to make a change and drop the connection.
    pub(crate) async fn change(&self, changes: &[PrefChange]) -> Result<Prefs, ClientError> {
        let request = self.transport.request(Method::PATCH, "prefs").json(&masked(changes));
        match self.transport.json("prefs", request, PATIENCE).await {
            Err(lost) if lost.cause == Cause::Lost => self.made(changes).await.ok_or(lost),
            answer => answer,
        }
    }

    async fn made(&self, changes: &[PrefChange]) -> Option<Prefs> {
        let now = self.prefs().await.ok()?;
        let made = changes.iter().all(|change| now.value(&change.name) == &change.to);
        made.then_some(now)
    }

    /// Asks whether the daemon would take these preferences. It says no with 200 and an
    /// `Error` (`ipn/localapi/localapi.go:1047`).
    pub(crate) async fn check(&self, prefs: &Prefs) -> Result<(), ClientError> {
        let request = self.transport.request(Method::POST, "check-prefs").json(prefs);
        let body = self.transport.bytes("check-prefs", request, PATIENCE).await?;
        #[derive(Deserialize)]
        struct Verdict {
            #[serde(rename = "Error")]
            error: Option<String>,
        }
        let verdict: Verdict = self.transport.parse("check-prefs", &body)?;
        match verdict.error.filter(|error| !error.is_empty()) {
            Some(_) => Err(self.transport.error("check-prefs", Cause::Rejected(said(&body)))),
            None => Ok(()),
        }
    }

    /// Connects to the control server anew. Preferences that are given replace all others; a
    /// key is used until the next start.
    pub(crate) async fn start(
        &self,
        prefs: Option<&Prefs>,
        key: Option<&Secret>,
    ) -> Result<(), ClientError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Options<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            auth_key: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            update_prefs: Option<&'a Prefs>,
        }
        let options = Options { auth_key: key.map(Secret::expose), update_prefs: prefs };
        let request = self.transport.request(Method::POST, "start").json(&options);
        self.transport.bytes("start", request, PATIENCE).await.map(drop)
    }

    /// Begins a login: needed after `start` on a node without a key of its own.
    pub(crate) async fn login(&self) -> Result<(), ClientError> {
        self.post("login-interactive", "login-interactive", PATIENCE).await.map(drop)
    }

    /// Ends the login. All preferences go back to the daemon's defaults.
    pub(crate) async fn logout(&self) -> Result<(), ClientError> {
        self.post("logout", "logout", LOGOUT).await.map(drop)
    }

    /// The packet filter as the control server sent it: pushed live, unlike this node's own
    /// entry. Needs permission to write.
    pub(crate) async fn packet_filter(&self) -> Result<PacketFilter, ClientError> {
        let call = "debug-packet-filter-rules";
        let body = self.post(call, call, PATIENCE).await?;
        self.transport.parse(call, &body)
    }

    /// Messages about the login alone.
    pub(crate) async fn watch_login(&self) -> Result<Notifications, ClientError> {
        watch(&self.transport, LOGIN_NEWS, PATIENCE).await
    }

    /// All messages, also of peers.
    pub(crate) async fn watch(&self) -> Result<Notifications, ClientError> {
        watch(&self.transport, ALL_NEWS, PATIENCE).await
    }

    async fn read<T: serde::de::DeserializeOwned>(
        &self,
        call: &'static str,
        path: &str,
    ) -> Result<T, ClientError> {
        self.transport.json(call, self.transport.request(Method::GET, path), PATIENCE).await
    }

    async fn post(
        &self,
        call: &'static str,
        path: &str,
        deadline: Duration,
    ) -> Result<Vec<u8>, ClientError> {
        let request = self.transport.request(Method::POST, path);
        self.transport.bytes(call, request, deadline).await
    }
}
