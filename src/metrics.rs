//! Metrics for Prometheus, at an address that only this machine can reach.

mod page;
mod text;

use std::net::SocketAddr;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use provider_api::{Error, ErrorKind, Result};
use tokio::net::TcpListener;

use crate::host::Desk;
use crate::http::{self, Answer, Guest, Handler, Limits};
pub use text::text;

const PATH: &str = "/metrics";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const WORDS: &str = "text/plain; charset=utf-8";

/// Metrics at an address, open for guests.
pub struct Metrics {
    listener: TcpListener,
    desk: Desk,
}

impl Metrics {
    /// Listens at this address.
    ///
    /// # Errors
    /// Where somebody else does.
    pub async fn open(desk: Desk, address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address).await.map_err(|cause| taken(address, &cause))?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!("metrics are at http://{address}{PATH}");
        }
        Ok(Metrics { listener, desk })
    }

    /// Answers for as long as it is polled.
    pub async fn run(self) {
        let Metrics { listener, desk } = self;
        http::serve(listener, Limits::default(), &Scrapes { desk }).await;
    }
}

struct Scrapes {
    desk: Desk,
}

impl Handler for Scrapes {
    async fn answer(&self, _guest: Guest, request: Request<Incoming>) -> Answer {
        match (request.method(), request.uri().path()) {
            (&Method::GET, PATH) => {
                http::whole(StatusCode::OK, METRICS, text(&self.desk.snapshot()))
            }
            (_, PATH) => http::whole(StatusCode::METHOD_NOT_ALLOWED, WORDS, "GET /metrics\n"),
            _ => http::whole(StatusCode::NOT_FOUND, WORDS, "metrics are at /metrics\n"),
        }
    }
}

fn taken(address: SocketAddr, cause: &std::io::Error) -> Error {
    let what = format!("metrics cannot be told at {address}: {cause}");
    let fix = format!("`ss -ltnp sport = {}` shows who listens there", address.port());
    Error::new(ErrorKind::Conflict, "metrics-address-taken", what).fix(fix)
}
