//! Why a plugin was given up.

use std::process::ExitStatus;
use std::time::Duration;

use provider_api::{Error, ErrorKind};

/// Why a plugin was given up.
#[derive(Debug)]
pub(super) enum Fault {
    /// The system would not start it.
    NotStarted(std::io::Error),
    /// It ended by itself, or somebody ended it.
    Ended(Option<ExitStatus>),
    /// It sent more than anybody could read.
    Flood(String),
    /// What it sent is not the protocol.
    Nonsense(String),
    /// It did not answer, and did not end the call when it was told to.
    Hung { method: &'static str, after: Duration },
    /// It does not speak as this host does.
    Stranger(String),
}

impl Fault {
    /// The error that every call gets which was under way.
    pub(super) fn error(&self, plugin: &str) -> Error {
        let look = "moorline -vv shows what it prints to standard error".to_owned();
        let vendor = format!("tell whoever made the plugin {plugin}; {look}");
        let (kind, code, what, fix) = match self {
            Fault::NotStarted(error) => {
                let what = format!("cannot be started: {error}");
                (ErrorKind::Unavailable, "plugin-start", what, format!("install {plugin} again"))
            }
            Fault::Ended(status) => {
                let how = status.map_or_else(|| "closed its output".into(), |how| how.to_string());
                (ErrorKind::Unavailable, "plugin-ended", format!("ended: {how}"), look)
            }
            Fault::Hung { method, after } => {
                let what = format!("did not answer `{method}` within {after:?}, and was killed");
                (ErrorKind::Unavailable, "plugin-hung", what, vendor)
            }
            Fault::Flood(what) | Fault::Nonsense(what) => {
                let what = format!("broke the protocol and was killed: {what}");
                (ErrorKind::Unavailable, "plugin-protocol", what, vendor)
            }
            Fault::Stranger(what) => {
                let fix = format!("install the {plugin} that was made for this moorline");
                (ErrorKind::Unsupported, "plugin-version", what.clone(), fix)
            }
        };
        Error::new(kind, code, format!("the plugin {plugin} {what}")).fix(fix)
    }
}
