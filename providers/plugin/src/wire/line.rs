//! One line of the wire.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::{Id, Methods, RpcError};

/// What answers a request.
pub(crate) type Answer = Result<Value, RpcError>;

/// A line that was read: `Q` are the requests of this direction, `N` its notifications.
#[derive(Debug, PartialEq)]
pub(crate) enum Line<Q, N> {
    Request { id: Id, request: Q },
    Notice(N),
    Answer { id: Id, answer: Answer },
}

/// A line that makes no sense, and what to answer where it was a request.
#[derive(Debug, PartialEq)]
pub(crate) struct Unreadable {
    pub(crate) id: Option<Id>,
    pub(crate) error: RpcError,
}

#[derive(Deserialize)]
struct Message {
    jsonrpc: String,
    id: Option<Id>,
    method: Option<String>,
    #[serde(default)]
    params: Value,
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    error: Option<RpcError>,
}

/// A null that is there is not a member that is absent.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl<Q, N> Line<Q, N>
where
    Q: Methods + DeserializeOwned,
    N: Methods + DeserializeOwned,
{
    /// Reads a line.
    ///
    /// # Errors
    /// Where it is no message of this direction.
    pub(crate) fn read(text: &str) -> Result<Self, Unreadable> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| unreadable(None, RpcError::UNPARSABLE, error.to_string()))?;
        let id = value.get("id").and_then(Value::as_u64);
        let message: Message = serde_json::from_value(value)
            .map_err(|error| unreadable(id, RpcError::NO_MESSAGE, error.to_string()))?;
        message.line()
    }
}

impl Message {
    fn line<Q, N>(self) -> Result<Line<Q, N>, Unreadable>
    where
        Q: Methods + DeserializeOwned,
        N: Methods + DeserializeOwned,
    {
        if self.jsonrpc != "2.0" {
            return Err(unreadable(self.id, RpcError::NO_MESSAGE, "jsonrpc is not 2.0"));
        }
        match (self.id, self.method, self.result, self.error) {
            (Some(id), Some(method), None, None) => called(&method, self.params)
                .map(|request| Line::Request { id, request })
                .map_err(|error| Unreadable { id: Some(id), error }),
            (None, Some(method), None, None) => called(&method, self.params)
                .map(Line::Notice)
                .map_err(|error| Unreadable { id: None, error }),
            (Some(id), None, Some(result), None) => Ok(Line::Answer { id, answer: Ok(result) }),
            (Some(id), None, None, Some(error)) => Ok(Line::Answer { id, answer: Err(error) }),
            (id, ..) => Err(unreadable(id, RpcError::NO_MESSAGE, "neither a call nor an answer")),
        }
    }
}

fn called<M: Methods + DeserializeOwned>(method: &str, params: Value) -> Result<M, RpcError> {
    if !M::NAMES.contains(&method) {
        let known = M::NAMES.join(", ");
        let message = format!("no method is called `{method}` here: there are {known}");
        return Err(RpcError::plain(RpcError::NO_METHOD, message));
    }
    serde_json::from_value(json!({ "method": method, "params": params }))
        .map_err(|error| RpcError::plain(RpcError::PARAMETERS, format!("{method}: {error}")))
}

fn unreadable(id: Option<Id>, code: i32, message: impl Into<String>) -> Unreadable {
    Unreadable { id, error: RpcError::plain(code, message) }
}

#[derive(Serialize)]
struct Sent<'a, T> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    #[serde(flatten)]
    body: &'a T,
}

fn text<T: Serialize>(id: Option<Id>, body: &T) -> String {
    serde_json::to_string(&Sent { jsonrpc: "2.0", id, body })
        .expect("maps with text for keys, and no number that JSON lacks")
}

/// A request, as a line without its end.
pub(crate) fn request<Q: Methods + Serialize>(id: Id, request: &Q) -> String {
    text(Some(id), request)
}

/// A notification, as a line without its end.
pub(crate) fn notice<N: Methods + Serialize>(notice: &N) -> String {
    text(None, notice)
}

/// An answer, as a line without its end.
pub(crate) fn answer(id: Id, answer: &Answer) -> String {
    match answer {
        Ok(result) => text(Some(id), &json!({ "result": result })),
        Err(error) => text(Some(id), &json!({ "error": error })),
    }
}
