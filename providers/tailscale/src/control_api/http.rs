//! One authenticated GET, and every way in which it can fail.

use std::time::Duration;

use provider_api::{Error, ErrorKind, Result, Secret};
use reqwest::{Client, Response, StatusCode, header::HeaderValue, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::control_url::ControlKind;

const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(5);
const LONGEST_REASON: usize = 200;

/// A server, and the key that it wants.
pub(super) struct Http {
    client: Client,
    kind: ControlKind,
    base: String,
    key: Secret,
}

impl Http {
    pub(super) fn new(kind: ControlKind, base: &str, key: Secret) -> Result<Self> {
        if key.expose().is_empty() || HeaderValue::from_str(key.expose()).is_err() {
            let what = "controlAPIKey is empty or holds a character that no key has";
            return Err(Error::settings("control-api-key-invalid", what).fix(new_key(kind)));
        }
        // Fails where one is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            // The key is for this server and no other.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| Error::bug(format!("no HTTP client: {error}")))?;
        let base = base.trim_end_matches('/').to_owned();
        Ok(Http { client, kind, base, key })
    }

    /// The JSON at this path.
    pub(super) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = self.client.get(format!("{}/{path}", self.base));
        let answer = request.bearer_auth(self.key.expose()).send().await;
        let answer = self.accept(answer.map_err(|error| self.unreachable(&error))?).await?;
        let body = answer.bytes().await.map_err(|error| self.unreachable(&error))?;
        serde_json::from_slice(&body).map_err(|error| self.garbled(&error))
    }

    async fn accept(&self, answer: Response) -> Result<Response> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.bytes().await.unwrap_or_default();
        // A server could repeat what it was sent.
        let said = said(&body).replace(self.key.expose(), "[redacted]");
        Err(self.refused(status, &said.chars().take(LONGEST_REASON).collect::<String>()))
    }

    fn refused(&self, status: StatusCode, said: &str) -> Error {
        let base = &self.base;
        let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
        match status {
            StatusCode::UNAUTHORIZED => Error::new(
                ErrorKind::Auth,
                "control-api-key-refused",
                format!("{base} refuses controlAPIKey: unknown, expired or revoked{said}"),
            )
            .fix(new_key(self.kind)),
            StatusCode::FORBIDDEN => Error::new(
                ErrorKind::Denied,
                "control-api-key-denied",
                format!("{base} does not let controlAPIKey read the nodes{said}"),
            )
            .fix(new_key(self.kind)),
            StatusCode::TOO_MANY_REQUESTS => Error::unavailable(
                "control-api-busy",
                format!("{base} wants fewer requests for now{said}"),
            ),
            _ if status.is_server_error() => {
                Error::unavailable("control-api-failing", format!("{base} answers {status}{said}"))
            }
            _ => Error::new(
                ErrorKind::Unsupported,
                "control-api-missing",
                format!("{base} answers {status} where the API should be{said}"),
            )
            .fix("leave controlAPIKey out, or check controlServerURL"),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        let base = &self.base;
        let what = match error.is_timeout() {
            true => format!("{base} does not answer in time"),
            false => format!("{base} cannot be asked: {}", root_cause(error)),
        };
        Error::unavailable("control-api-unreachable", what).fix(format!("curl -v {base}"))
    }

    fn garbled(&self, error: &serde_json::Error) -> Error {
        let what = format!("{}'s list of nodes cannot be read: {error}", self.base);
        Error::new(ErrorKind::Unsupported, "control-api-garbled", what)
            .fix("leave controlAPIKey out, or check controlServerURL")
    }
}

fn new_key(kind: ControlKind) -> &'static str {
    match kind {
        ControlKind::SelfHosted => "make a new one: headscale apikeys create --expiration 90d",
        ControlKind::Tailscale => {
            "make an API access token (tskey-api-...) that may read devices and their routes:\n\
             https://login.tailscale.com/admin/settings/keys"
        }
    }
}

/// The `message` that both servers put into errors, else the text itself.
fn said(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }
    let text = match serde_json::from_slice::<Said>(body) {
        Ok(said) => said.message,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    text.trim().chars().filter(|c| !c.is_control()).collect()
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
