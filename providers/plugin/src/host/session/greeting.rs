//! The start of a process, until it can be called.

use std::time::Instant;

use provider_api::{CONTRACT_VERSION, Error, Manifest, Result};
use serde_json::Value;
use tokio::time::timeout;

use super::Session;
use crate::host::child::Child;
use crate::host::fault::Fault;
use crate::wire::{
    Answer, Initialized, Line, PROTOCOL_VERSION, Request, RpcError, answer, request, wrong_shape,
};

impl Session {
    /// Sees to it that the plugin runs and knows the networks that are open.
    ///
    /// # Errors
    /// Where it cannot be started, or died and must not be started again yet.
    pub(super) async fn ready(&mut self) -> Result<()> {
        if self.child.is_some() {
            return Ok(());
        }
        let now = Instant::now();
        if self.backoff.rests(now) {
            return Err(self.resting());
        }
        match self.start().await {
            Ok(child) => self.child = Some(child),
            Err(error) => return Err(self.mourn(error, now)),
        }
        Ok(())
    }

    /// The words are the same for as long as it rests, so that they are told once.
    fn resting(&self) -> Error {
        let error = self.ended.clone().unwrap_or_else(|| Error::bug("a plugin rests unasked"));
        Error { what: format!("{}; it is not started again yet", error.what), ..error }
    }

    async fn start(&mut self) -> Result<Child> {
        self.children += 1;
        let mut child = Child::start(&self.subject, self.children)
            .map_err(|fault| fault.error(&self.subject.name))?;
        let allowed = self.subject.limits.startup;
        let hung = Fault::Hung { method: "initialize", after: allowed };
        let greeted = timeout(allowed, self.greet(&mut child)).await;
        match greeted.unwrap_or_else(|_| Err(hung.error(&self.subject.name))) {
            Ok(()) => Ok(child),
            Err(error) => {
                child.kill().await;
                Err(error)
            }
        }
    }

    async fn greet(&mut self, child: &mut Child) -> Result<()> {
        let said = self.ask_first(child, &self.subject.introduction()).await?;
        let manifest = self.acquaintance(said.map_err(|error| self.meant(error))?)?;
        self.manifest.get_or_insert(manifest);
        self.refused.clear();
        for (network, settings) in self.networks.clone() {
            let open = Request::Open { network, settings };
            if let Err(error) = self.ask_first(child, &open).await? {
                self.refused.insert(network, self.meant(error));
            }
        }
        Ok(())
    }

    /// Makes one of the calls that come before all others; such a call asks nothing.
    async fn ask_first(&self, child: &mut Child, first: &Request) -> Result<Answer> {
        let id = self.subject.number();
        child.send(&request(id, first));
        loop {
            let said = child.next().await.map_err(|fault| fault.error(&self.subject.name))?;
            match said {
                Ok(Line::Answer { id: answered, answer }) if answered == id => return Ok(answer),
                Ok(Line::Request { id, .. }) => {
                    let message = format!("`{}` has nothing to ask", first.method());
                    child.send(&answer(id, &Err(RpcError::plain(RpcError::PARAMETERS, message))));
                }
                Ok(Line::Notice(_)) => {}
                Ok(Line::Answer { id, .. }) => {
                    return Err(self.nonsense(format!("it answered request {id}, which is none")));
                }
                Err(unreadable) => return Err(self.nonsense(unreadable.error.message)),
            }
        }
    }

    fn nonsense(&self, what: String) -> Error {
        Fault::Nonsense(what).error(&self.subject.name)
    }

    /// What the plugin says of itself, if it may say so.
    fn acquaintance(&self, said: Value) -> Result<Manifest> {
        let stranger = |what: String| Fault::Stranger(what).error(&self.subject.name);
        let speaks = |place: &str| said.pointer(place).and_then(Value::as_u64);
        for (place, thing, ours) in [
            ("/protocol", "plugin protocol", PROTOCOL_VERSION),
            ("/manifest/contract", "provider contract", CONTRACT_VERSION),
        ] {
            let theirs = speaks(place);
            if theirs.is_some_and(|theirs| theirs != u64::from(ours)) {
                let theirs = theirs.unwrap_or_default();
                let what = format!("speaks version {theirs} of the {thing}, and moorline {ours}");
                return Err(stranger(what));
            }
        }
        let Initialized { manifest, .. } = serde_json::from_value(said)
            .map_err(|error| wrong_shape(&self.subject.name, "introduction", &error))?;
        match &self.manifest {
            _ if manifest.name.as_str() != self.subject.name => {
                Err(stranger(format!("says that it is {}", manifest.name)))
            }
            Some(first) if *first != manifest => {
                Err(stranger("became another one while moorline runs: start moorline again".into()))
            }
            Some(_) | None => Ok(manifest),
        }
    }
}
