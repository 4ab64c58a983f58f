//! One error for every way in which a call can fail.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use provider_api::{Error, ErrorKind};
use reqwest::StatusCode;
use serde::Deserialize;

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tailscaled, `{call}`: {cause}")]
pub(crate) struct ClientError {
    /// The endpoint.
    pub(crate) call: &'static str,
    /// The socket that was asked.
    pub(crate) socket: PathBuf,
    /// What went wrong.
    pub(crate) cause: Cause,
}

/// What went wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Cause {
    /// No daemon listens.
    #[error("no daemon listens on its socket")]
    Absent,
    /// The connection ended before an answer came. The call may have been carried out.
    #[error("the connection ended before an answer came")]
    Lost,
    /// No answer in time. The call may have been carried out.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The daemon, or the socket's mode, forbids it to this user.
    #[error("{0}")]
    Denied(String),
    /// The daemon understood, and said no.
    #[error("{0}")]
    Rejected(String),
    /// This version of the daemon has no such endpoint.
    #[error("this tailscaled has no such endpoint")]
    Missing,
    /// The answer is not what it should be.
    #[error("the answer makes no sense: {0}")]
    Malformed(String),
}

impl Cause {
    /// Whether the daemon went away, so that waiting for it makes sense.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Cause::Absent | Cause::Lost)
    }

    /// Whether the daemon refuses because its configuration file rules
    /// (`ipn/ipnlocal/local.go:4953`).
    pub(crate) fn is_locked(&self) -> bool {
        matches!(self, Cause::Rejected(text) if text.contains("config file is locked"))
    }

    /// Reads why a request never got an answer.
    pub(super) fn of_request(error: &reqwest::Error, deadline: Duration) -> Self {
        if error.is_timeout() {
            return Cause::TimedOut(deadline);
        }
        match io_kind(error) {
            Some(io::ErrorKind::PermissionDenied) => {
                Cause::Denied("the socket may not be opened".into())
            }
            Some(_) | None if error.is_connect() => Cause::Absent,
            Some(_) | None => Cause::Lost,
        }
    }

    /// Reads an answer that is no success.
    pub(super) fn of_answer(status: StatusCode, body: &[u8]) -> Self {
        let text = said(body);
        match status {
            StatusCode::FORBIDDEN => Cause::Denied(text),
            StatusCode::NOT_FOUND => Cause::Missing,
            _ if text.is_empty() => Cause::Rejected(format!("{status}, and no reason given")),
            _ => Cause::Rejected(text),
        }
    }
}

/// What the daemon says in a body: `Error` or `error` of a JSON object, else the text itself.
pub(super) fn said(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Said {
        #[serde(rename = "Error", alias = "error")]
        error: String,
    }
    match serde_json::from_slice::<Said>(body) {
        Ok(said) => said.error,
        Err(_) => String::from_utf8_lossy(body).trim().chars().take(500).collect(),
    }
}

fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        source = inner.source();
    }
    None
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Error {
        let ClientError { call, socket, cause } = error;
        let socket = socket.display();
        match cause {
            Cause::Absent => Error::unavailable(
                "tailscaled-absent",
                format!("no tailscaled listens on {socket}"),
            )
            .fix(
                "systemctl enable --now tailscaled\n\
                 or, where it listens elsewhere, name its socket: --vpn-auth=\"name=tailscale,socket=PATH,...\"",
            ),
            Cause::Lost => Error::unavailable(
                "tailscaled-lost",
                format!("tailscaled on {socket} went away while it was asked for `{call}`"),
            )
            .fix("systemctl status tailscaled"),
            Cause::TimedOut(after) => Error::unavailable(
                "tailscaled-silent",
                format!("tailscaled on {socket} did not answer `{call}` within {after:?}"),
            )
            .fix("systemctl restart tailscaled"),
            Cause::Denied(text) => denied(call, &text),
            Cause::Rejected(_) if cause.is_locked() => locked(),
            Cause::Rejected(text) => Error::new(
                ErrorKind::Denied,
                "tailscaled-refused",
                format!("tailscaled refuses `{call}`: {text}"),
            ),
            Cause::Missing => Error::new(
                ErrorKind::Unsupported,
                "tailscaled-too-old",
                format!("this tailscaled has no `{call}`"),
            )
            .fix("install tailscaled 1.98 or newer"),
            Cause::Malformed(text) => {
                Error::bug(format!("tailscaled's answer to `{call}` makes no sense: {text}"))
            }
        }
    }
}

fn denied(call: &str, text: &str) -> Error {
    let uid = rustix::process::geteuid().as_raw();
    Error::new(
        ErrorKind::Denied,
        "tailscaled-denied",
        format!("tailscaled does not let uid {uid} `{call}`: {text}"),
    )
    .fix(format!(
        "run moorline as root, or let this user operate tailscaled:\n\
         sudo tailscale set --operator=$(id -nu {uid})"
    ))
}

fn locked() -> Error {
    Error::new(
        ErrorKind::Denied,
        "tailscaled-locked",
        "tailscaled runs with a configuration file that locks its preferences",
    )
    .fix(
        "put `\"locked\": false` into the file that tailscaled's --config names, \
         and restart tailscaled",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_an_error_is_read() {
        let of = |status, body: &str| {
            Cause::of_answer(StatusCode::from_u16(status).unwrap(), body.as_bytes())
        };
        let denied = Cause::Denied("prefs write access denied".into());
        assert_eq!(of(403, "prefs write access denied\n"), denied);
        assert_eq!(of(400, r#"{"Error":"bad route"}"#), Cause::Rejected("bad route".into()));
        assert_eq!(of(500, r#"{"error":"no ping"}"#), Cause::Rejected("no ping".into()));
        assert_eq!(of(400, "want POST"), Cause::Rejected("want POST".into()));
        assert_eq!(of(404, "404 page not found"), Cause::Missing);
        let silent = Cause::Rejected("500 Internal Server Error, and no reason given".into());
        assert_eq!(of(500, ""), silent);
    }

    #[test]
    fn a_locked_daemon_says_what_to_change() {
        let text = "can't reconfigure tailscaled when using a config file; config file is locked";
        let error = Error::from(ClientError {
            call: "prefs",
            socket: "/run/x".into(),
            cause: Cause::Rejected(text.into()),
        });
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "tailscaled-locked"));
        assert!(error.fix.unwrap().contains("locked"));
    }

    #[test]
    fn a_caller_without_permission_is_named() {
        let error = denied("prefs", "prefs write access denied");
        let uid = rustix::process::geteuid().as_raw();
        assert!(error.what.contains(&format!("uid {uid} ")));
        assert!(error.fix.unwrap().contains("--operator"));
    }
}
