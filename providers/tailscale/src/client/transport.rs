//! Requests over the socket, each with a deadline.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;

use super::error::{Cause, ClientError};

/// tailscaled answers to this host name alone (`client/tailscale/apitype/apitype.go:14`).
const BASE: &str = "http://local-tailscaled.sock/localapi/v0/";

/// The version of a daemon, as it says in every answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Version {
    /// Such as `1.102.3-t1234-g5678`.
    pub(crate) long: String,
    /// The capability version (`tailcfg/tailcfg.go:197`).
    pub(crate) capability: u32,
}

/// The way to one daemon.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    http: Client,
    socket: Arc<Path>,
    version: Arc<Mutex<Version>>,
}

impl Transport {
    pub(super) fn new(socket: PathBuf) -> provider_api::Result<Self> {
        let socket: Arc<Path> = socket.into();
        let http = Client::builder()
            .unix_socket(Arc::clone(&socket))
            .tls_backend_preconfigured(no_tls()?)
            .build()
            .map_err(|error| provider_api::Error::bug(format!("no HTTP client: {error}")))?;
        Ok(Transport { http, socket, version: Arc::default() })
    }

    /// The version that the latest answer named; empty before the first.
    pub(super) fn version(&self) -> Version {
        self.version.lock().map(|version| version.clone()).unwrap_or_default()
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{BASE}{path}"))
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn bytes(
        &self,
        call: &'static str,
        request: RequestBuilder,
        deadline: Duration,
    ) -> Result<Vec<u8>, ClientError> {
        let failed = |error: reqwest::Error| self.error(call, Cause::of_request(&error, deadline));
        let answer = request.timeout(deadline).send().await.map_err(failed)?;
        let answer = self.accept(call, answer).await?;
        Ok(answer.bytes().await.map_err(failed)?.into())
    }

    /// Sends a request and reads the answer as JSON.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        call: &'static str,
        request: RequestBuilder,
        deadline: Duration,
    ) -> Result<T, ClientError> {
        let body = self.bytes(call, request, deadline).await?;
        self.parse(call, &body)
    }

    /// Sends a request and waits for the answer's headers alone.
    pub(super) async fn open(
        &self,
        call: &'static str,
        request: RequestBuilder,
        deadline: Duration,
    ) -> Result<Response, ClientError> {
        let answer = tokio::time::timeout(deadline, request.send())
            .await
            .map_err(|_| self.error(call, Cause::TimedOut(deadline)))?
            .map_err(|error| self.error(call, Cause::of_request(&error, deadline)))?;
        self.accept(call, answer).await
    }

    pub(super) fn parse<T: DeserializeOwned>(
        &self,
        call: &'static str,
        body: &[u8],
    ) -> Result<T, ClientError> {
        serde_json::from_slice(body)
            .map_err(|error| self.error(call, Cause::Malformed(error.to_string())))
    }

    pub(super) fn error(&self, call: &'static str, cause: Cause) -> ClientError {
        ClientError { call, socket: self.socket.to_path_buf(), cause }
    }

    async fn accept(&self, call: &'static str, answer: Response) -> Result<Response, ClientError> {
        self.note_version(answer.headers());
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.bytes().await.unwrap_or_default();
        Err(self.error(call, Cause::of_answer(status, &body)))
    }

    fn note_version(&self, headers: &HeaderMap) {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        if let (Some(long), Ok(mut version)) = (text("Tailscale-Version"), self.version.lock()) {
            version.long = long.to_owned();
            version.capability =
                text("Tailscale-Cap").and_then(|cap| cap.parse().ok()).unwrap_or_default();
        }
    }
}

/// reqwest wants to know about TLS even where there is none; this spares it reading the
/// system's certificates.
fn no_tls() -> provider_api::Result<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| provider_api::Error::bug(format!("no TLS versions: {error}")))?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(config)
}
