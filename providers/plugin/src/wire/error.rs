//! An error of the contract, as JSON-RPC has errors.

use provider_api::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

/// An error on the wire: the kind is in the code, the rest beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RpcError {
    /// [`ErrorKind::rpc_code`], or one of JSON-RPC's own.
    pub(crate) code: i32,
    /// [`Error::what`].
    pub(crate) message: String,
    /// The rest of an [`Error`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Data>,
}

/// What JSON-RPC has no place for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Data {
    /// [`Error::code`].
    pub(crate) code: String,
    /// [`Error::fix`].
    #[serde(default)]
    pub(crate) fix: Option<String>,
}

impl RpcError {
    /// A line that is no JSON.
    pub(crate) const UNPARSABLE: i32 = -32700;
    /// JSON that is no message.
    pub(crate) const NO_MESSAGE: i32 = -32600;
    /// A method that nobody knows.
    pub(crate) const NO_METHOD: i32 = -32601;
    /// Parameters of the wrong shape, or that name what is not there.
    pub(crate) const PARAMETERS: i32 = -32602;
    /// The call was cancelled by the host.
    pub(crate) const CANCELLED: i32 = -32800;

    /// One of JSON-RPC's own errors.
    pub(crate) fn plain(code: i32, message: impl Into<String>) -> RpcError {
        RpcError { code, message: message.into(), data: None }
    }
}

impl From<Error> for RpcError {
    fn from(error: Error) -> RpcError {
        let Error { kind, code, what, fix } = error;
        RpcError { code: kind.rpc_code(), message: what, data: Some(Data { code, fix }) }
    }
}

impl RpcError {
    /// The error of the contract that this plugin meant.
    pub(crate) fn meant(self, plugin: &str) -> Error {
        let kind = ErrorKind::ALL.into_iter().find(|kind| kind.rpc_code() == self.code);
        match (kind, self.data) {
            (Some(kind), Some(Data { code, fix })) => Error { kind, code, what: self.message, fix },
            (kind, _) => wrong(
                kind.unwrap_or(ErrorKind::Bug),
                plugin,
                format!("error {}: {}", self.code, self.message),
            ),
        }
    }
}

/// What a plugin said is not what the contract asks for.
pub(crate) fn wrong_shape(plugin: &str, what: &str, why: &serde_json::Error) -> Error {
    wrong(ErrorKind::Bug, plugin, format!("its {what} is not what the contract asks for: {why}"))
}

fn wrong(kind: ErrorKind, plugin: &str, what: String) -> Error {
    Error::new(kind, "plugin-answer", format!("the plugin {plugin} answered wrongly: {what}"))
        .fix(format!("tell whoever made the plugin {plugin}"))
}
