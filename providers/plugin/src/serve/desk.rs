//! Takes the host's lines, and works on its calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use provider_api::{CONTRACT_VERSION, Error, ErrorKind, Host, Network, Provider, ProviderSettings};
use serde_json::Value;
use tokio::sync::mpsc;

use super::caller::Caller;
use super::running::{Running, work};
use crate::wire::{
    Answer, Id, Initialize, Initialized, Line, Notice, PROTOCOL_VERSION, Request, RpcError,
    Unreadable, answer,
};

/// What a plugin has on its desk.
pub(super) struct Desk<'a> {
    provider: &'a dyn Provider,
    caller: Caller,
    networks: BTreeMap<u64, Arc<dyn Network>>,
    running: Running,
}

impl<'a> Desk<'a> {
    /// An empty desk, and the lines that it says.
    pub(super) fn new(provider: &'a dyn Provider) -> (Desk<'a>, mpsc::UnboundedReceiver<String>) {
        let (said, lines) = mpsc::unbounded_channel();
        let caller = Caller::new(said);
        let (networks, running) = (BTreeMap::new(), Running::default());
        (Desk { provider, caller, networks, running }, lines)
    }

    /// Takes a line of the host.
    pub(super) fn take(&mut self, line: &str) {
        match Line::read(line) {
            Ok(Line::Request { id, request }) => self.begin(id, request),
            Ok(Line::Notice(Notice::Cancel { call })) => self.running.cancel(call),
            Ok(Line::Notice(Notice::Close { network })) => {
                self.networks.remove(&network);
            }
            Ok(Line::Answer { id, answer }) => self.caller.answered(id, answer),
            Err(Unreadable { id, error }) => self.refuse(id, error),
        }
    }

    /// Goes on with the calls that are under way, until one of them has ended; for ever where
    /// there is none. May be dropped and called again.
    pub(super) async fn work(&mut self) {
        let (id, ended) = self.running.ended().await;
        self.caller.say(answer(id, &ended));
    }

    fn begin(&mut self, id: Id, request: Request) {
        let network = request.network().and_then(|network| self.networks.get(&network));
        let answered = match (request, network) {
            (Request::Initialize(host), _) => self.initialize(&host),
            (Request::Open { network, settings }, _) => self.open(network, &settings),
            (Request::Policy(asked), _) => sent(self.provider.policy(&asked)),
            (request, Some(network)) => {
                let work = work(Arc::clone(network), request, id, self.caller.clone());
                return self.running.begin(id, work);
            }
            (request, None) => Err(no_network(&request)),
        };
        self.caller.say(answer(id, &answered));
    }

    fn initialize(&self, host: &Initialize) -> Answer {
        let known = host.protocols.contains(&PROTOCOL_VERSION);
        if !known || host.contract != CONTRACT_VERSION {
            let name = &self.provider.manifest().name;
            let what = format!(
                "{name} speaks version {PROTOCOL_VERSION} of the plugin protocol and \
                 {CONTRACT_VERSION} of the provider contract, and the host {:?} and {}",
                host.protocols, host.contract
            );
            let error = Error::new(ErrorKind::Unsupported, "plugin-version", what);
            return Err(error
                .fix(format!("install the {name} that was made for this host"))
                .into());
        }
        let manifest = self.provider.manifest().clone();
        sent(Ok(Initialized { protocol: PROTOCOL_VERSION, manifest }))
    }

    fn open(&mut self, number: u64, settings: &ProviderSettings) -> Answer {
        let host: Arc<dyn Host> = Arc::new(self.caller.clone());
        let network = self.provider.open(settings, host)?;
        self.networks.insert(number, network.into());
        Ok(Value::Null)
    }

    fn refuse(&mut self, id: Option<Id>, error: RpcError) {
        match id {
            Some(id) => self.caller.say(answer(id, &Err(error))),
            None => tracing::warn!("left out a line of the host: {}", error.message),
        }
    }
}

/// What the contract returned, as an answer.
pub(super) fn sent<T: serde::Serialize>(returned: provider_api::Result<T>) -> Answer {
    serde_json::to_value(returned?).map_err(|error| Error::bug(error.to_string()).into())
}

fn no_network(request: &Request) -> RpcError {
    let message = format!("{}: no network of this number is open", request.method());
    RpcError::plain(RpcError::PARAMETERS, message)
}
