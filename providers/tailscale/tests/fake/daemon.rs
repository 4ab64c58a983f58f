//! The fake's inside: state, the usual answers, and the notification stream.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request as HttpRequest, State as Shared};
use axum::http::header::{CONTENT_LENGTH, HOST, ORIGIN, REFERER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value, json};
use tokio::runtime::Builder;
use tokio::sync::{broadcast, oneshot};

use super::script::{Reply, Scene, Script, merge};

const BASE: &str = "/localapi/v0/";
const LARGEST_BODY: usize = 1 << 20;

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Method and endpoint without its query, such as `PATCH prefs`.
    pub(crate) call: String,
    /// The body as JSON; null where there was none.
    pub(crate) body: Value,
}

/// The daemon behind the socket.
pub(super) struct Daemon {
    state: Mutex<State>,
    bus: broadcast::Sender<Option<String>>,
}

struct State {
    script: Script,
    requests: Vec<Request>,
    /// Counts the starts: a new one ends the scenes of an earlier login.
    starts: u64,
}

/// Serves until told to stop.
pub(super) fn serve_until(
    daemon: Arc<Daemon>,
    listener: UnixListener,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        listener.set_nonblocking(true).expect("a socket");
        let listener = tokio::net::UnixListener::from_std(listener).expect("a socket");
        let router = Router::new().fallback(answer).with_state(daemon);
        tokio::select! {
            served = axum::serve(listener, router) => served.expect("a server"),
            _ = stopped => {}
        }
    });
}

async fn answer(Shared(daemon): Shared<Arc<Daemon>>, request: HttpRequest) -> Response {
    let headers = [("Tailscale-Version", "1.102.3-fake"), ("Tailscale-Cap", "142")];
    if !is_welcome(request.headers()) {
        return (StatusCode::FORBIDDEN, "invalid localapi request").into_response();
    }
    let endpoint = request.uri().path().strip_prefix(BASE).unwrap_or_default();
    let call = format!("{} {endpoint}", request.method());
    let peers = request.uri().query() != Some("peers=false");
    let body = to_bytes(request.into_body(), LARGEST_BODY).await.unwrap_or_default();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let reply = daemon.note(&call, &body);
    let response = match reply {
        None => daemon.usual(&call, body, peers),
        Some(reply) => daemon.unusual(reply, &call, body).await,
    };
    (headers, response).into_response()
}

/// As `ipn/localapi/localapi.go:249-306` decides it.
fn is_welcome(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).is_some_and(|host| host == "local-tailscaled.sock");
    host && !headers.contains_key(ORIGIN) && !headers.contains_key(REFERER)
}

impl Daemon {
    pub(super) fn new(script: Script) -> Arc<Self> {
        let state = State { script, requests: Vec::new(), starts: 0 };
        Arc::new(Daemon { state: Mutex::new(state), bus: broadcast::channel(1024).0 })
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    pub(super) fn prefs(&self) -> Value {
        self.lock().script.prefs.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this")
    }

    /// Remembers a request; returns what was prepared for it.
    fn note(&self, call: &str, body: &Value) -> Option<Reply> {
        let mut state = self.lock();
        state.requests.push(Request { call: call.to_owned(), body: body.clone() });
        state.script.replies.get_mut(call).and_then(VecDeque::pop_front)
    }

    async fn unusual(self: &Arc<Self>, reply: Reply, call: &str, body: Value) -> Response {
        match reply {
            Reply::Text(status, text) => {
                let status = StatusCode::from_u16(status).expect("a status");
                (status, text).into_response()
            }
            Reply::Hang => std::future::pending().await,
            Reply::Drop => end_connection(),
            Reply::CarryOutAndDrop => {
                self.usual(call, body, true);
                end_connection()
            }
            Reply::Half => half(),
        }
    }

    fn usual(self: &Arc<Self>, call: &str, body: Value, peers: bool) -> Response {
        let done = StatusCode::NO_CONTENT.into_response();
        match call {
            "GET status" => self.status(peers),
            "GET prefs" => json_text(&self.prefs()),
            "PATCH prefs" => self.change(&body),
            "POST check-prefs" => "{}".into_response(),
            "POST start" => self.start(body),
            "POST login-interactive" => {
                self.play();
                done
            }
            "POST logout" => done,
            "POST debug-packet-filter-rules" => json_text(&self.lock().script.filter),
            "GET watch-ipn-bus" => self.watch(),
            _ => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
        }
    }

    fn status(&self, peers: bool) -> Response {
        let mut status = self.lock().script.status.clone();
        if !peers {
            status["Peer"] = Value::Null;
        }
        json_text(&status)
    }

    /// Takes the fields in whose `…Set` is true (`ipn/prefs.go:351`).
    fn change(self: &Arc<Self>, mask: &Value) -> Response {
        let mut state = self.lock();
        let was_on = state.script.prefs["WantRunning"] == json!(true);
        masked(mask, &mut state.script.prefs);
        let prefs = state.script.prefs.clone();
        drop(state);
        self.say(&json!({"Prefs": prefs}));
        if !was_on && prefs["WantRunning"] == json!(true) {
            self.play();
        }
        json_text(&prefs)
    }

    fn start(self: &Arc<Self>, mut options: Value) -> Response {
        let mut state = self.lock();
        state.starts += 1;
        if let Some(prefs) = options.get_mut("UpdatePrefs").map(Value::take) {
            let identity = state.script.prefs["Config"].take();
            state.script.prefs = prefs;
            state.script.prefs["Config"] = identity;
        }
        let logs_in =
            options.get("AuthKey").is_some() && state.script.status["HaveNodeKey"] == json!(true);
        drop(state);
        if logs_in {
            self.play();
        }
        StatusCode::NO_CONTENT.into_response()
    }

    /// Plays the scenes of a login, until somebody starts anew.
    fn play(self: &Arc<Self>) {
        let daemon = Arc::clone(self);
        let mut state = self.lock();
        let starts = state.starts;
        let mut scenes = std::mem::take(&mut state.script.prelude);
        scenes.extend(state.script.login.clone());
        drop(state);
        tokio::spawn(async move {
            for scene in scenes {
                tokio::time::sleep(scene.after).await;
                if daemon.lock().starts != starts {
                    return;
                }
                daemon.show(&scene);
            }
        });
    }

    fn show(&self, scene: &Scene) {
        merge(&mut self.lock().script.status, &scene.status);
        if let Some(message) = &scene.message {
            self.say(message);
        }
        if scene.closes_bus {
            // Nobody listening is fine.
            let _ = self.bus.send(None);
        }
    }

    fn say(&self, message: &Value) {
        let _ = self.bus.send(Some(line(message)));
    }

    /// The stream: how things stand, then what is said, one object a line.
    fn watch(&self) -> Response {
        let state = self.lock();
        let numbers = [
            "NoState",
            "InUseOtherUser",
            "NeedsLogin",
            "NeedsMachineAuth",
            "Stopped",
            "Starting",
            "Running",
        ];
        let word = state.script.status["BackendState"].as_str().unwrap_or_default();
        let number = numbers.iter().position(|known| *known == word);
        let first = json!({"Version": "1.102.3-fake", "SessionID": "a1", "State": number,
            "Prefs": state.script.prefs, "Health": {"Warnings": null}});
        let lines = [line(&first)].into_iter().chain(state.script.open_bus.clone());
        let news = stream::unfold(self.bus.subscribe(), |mut bus| async move {
            let line = bus.recv().await.ok().flatten()?;
            Some((line, bus))
        });
        let bytes =
            stream::iter(lines).chain(news).map(|line| Ok::<_, Infallible>(Bytes::from(line)));
        Body::from_stream(bytes).into_response()
    }
}

/// A message has every old field, null where it says nothing.
fn line(message: &Value) -> String {
    let mut full = json!({"Version": "1.102.3-fake", "ErrMessage": null, "LoginFinished": null,
        "State": null, "Prefs": null, "NetMap": null, "Engine": null, "BrowseToURL": null,
        "DriveShares": null});
    merge(&mut full, message);
    format!("{full}\n")
}

fn masked(mask: &Value, prefs: &mut Value) {
    for (name, set) in mask.as_object().into_iter().flatten() {
        let Some(field) = name.strip_suffix("Set") else { continue };
        match set {
            Value::Bool(true) => prefs[field] = mask.get(field).cloned().unwrap_or_default(),
            Value::Object(inner) => masked(&with_values(inner, &mask[field]), &mut prefs[field]),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {}
        }
    }
}

/// `{"CheckSet": true}` beside `{"Check": false}`, as one mask.
fn with_values(set: &Map<String, Value>, values: &Value) -> Value {
    let mut mask = Value::Object(set.clone());
    merge(&mut mask, values);
    mask
}

fn json_text(value: &Value) -> Response {
    value.to_string().into_response()
}

/// A server whose handler is gone ends the connection without a word.
fn end_connection() -> ! {
    std::panic::resume_unwind(Box::new("the connection ends"))
}

fn half() -> Response {
    let beginning = Ok(Bytes::from_static(b"{\"Back"));
    let end = Err(io::Error::from(io::ErrorKind::ConnectionReset));
    let body = Body::from_stream(stream::iter([beginning, end]));
    ([(CONTENT_LENGTH, "4096")], body).into_response()
}
