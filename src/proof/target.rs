//! One canary: what to ask there, and what came of it.

use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use linux::icmp::{Echo, Outcome as Echoed, Pinger, SMALL};
use provider_api::Peer;
use tokio::time::timeout;

use super::echoes::{Patience, insist};
use super::evidence::CanaryEvidence;
use super::line::{Line, Manner, Told, Word};

/// A packet that crosses half the world twice, or waits for a path to be set up, is in time.
const USUAL: Patience =
    Patience { every: Duration::from_millis(250), deadline: Duration::from_millis(1_250) };
/// How long a responder alone is waited for: one that answers spares us the echoes.
const SOON: Duration = Duration::from_millis(400);

/// A pair of addresses to probe, and the line to the responder there.
pub(super) struct Target {
    pub(super) source: IpAddr,
    pub(super) canary: IpAddr,
    pub(super) line: Option<Line>,
}

impl Target {
    /// Asks the responder; echoes go where it does not answer.
    pub(super) async fn ask(&self, pinger: &Pinger, manner: Manner, mtu: u32) -> CanaryEvidence {
        let Some(line) = &self.line else {
            return ask(pinger, (self.source, self.canary), mtu).await;
        };
        let asking = line.ask(payload(mtu, self.canary), manner);
        let mut asking = pin!(asking);
        match timeout(SOON, &mut asking).await {
            Ok(told) => self.complete(pinger, told, None, mtu).await,
            Err(_late) => {
                let small = Echo::new(self.source, self.canary, SMALL);
                let (told, small) = tokio::join!(asking, insist(pinger, &small, USUAL));
                self.complete(pinger, told, Some(small), mtu).await
            }
        }
    }

    /// Sends the echoes that what was told leaves to be sent.
    async fn complete(
        &self,
        pinger: &Pinger,
        told: Told,
        small: Option<Echoed>,
        mtu: u32,
    ) -> CanaryEvidence {
        let Target { source, canary, .. } = *self;
        let echo = |size| Echo::new(source, canary, size);
        let small = match (&told.word, told.shortest(), small) {
            (Word::Kin { .. }, Some(rtt), _) => Echoed::Reply { rtt },
            // What a stranger has to say of its pods is nothing to us.
            (Word::Foreign, ..) => Echoed::Silence,
            (_, _, Some(small)) => small,
            (..) => insist(pinger, &echo(SMALL), USUAL).await,
        };
        let full = match told.full {
            _ if !small.is_reply() => None,
            Some(rtt) => Some(Echoed::Reply { rtt }),
            None => Some(insist(pinger, &echo(packet_size(mtu)), USUAL).await),
        };
        let Told { word, tries, .. } = told;
        CanaryEvidence { word: Some(word), tries, full, ..unanswered(source, canary, small) }
    }
}

/// What the peer saw tells whether packets left with the address that they had. What became
/// of it on the peer itself says nothing of that.
pub(super) fn source_kept(canary: &CanaryEvidence, peer: &Peer) -> Option<bool> {
    let Some(Word::Kin { source: seen, .. }) = &canary.word else { return None };
    let is_peers = peer.addresses.contains(seen) || peer.routes.iter().any(|at| at.contains(seen));
    let kept = *seen == canary.source;
    (kept || !is_peers).then_some(kept)
}

/// Small first; full only where small crosses.
pub(super) async fn ask(
    pinger: &Pinger,
    (source, canary): (IpAddr, IpAddr),
    mtu: u32,
) -> CanaryEvidence {
    let small = insist(pinger, &Echo::new(source, canary, SMALL), USUAL).await;
    let full = if small.is_reply() {
        Some(insist(pinger, &Echo::new(source, canary, packet_size(mtu)), USUAL).await)
    } else {
        None
    };
    CanaryEvidence { full, ..unanswered(source, canary, small) }
}

fn unanswered(source: IpAddr, canary: IpAddr, small: Echoed) -> CanaryEvidence {
    let (full, largest, source_kept, word, trouble) = (None, None, None, None, None);
    let tries = Vec::new();
    CanaryEvidence { source, canary, small, full, largest, source_kept, word, tries, trouble }
}

/// A packet that fills this MTU; no packet is larger than 65,535 bytes.
pub(super) fn packet_size(mtu: u32) -> u16 {
    u16::try_from(mtu).unwrap_or(u16::MAX)
}

/// What a datagram has room for in such a packet, after the headers of IP and UDP.
fn payload(mtu: u32, to: IpAddr) -> usize {
    let headers = if to.is_ipv4() { 28 } else { 48 };
    usize::from(packet_size(mtu)).saturating_sub(headers)
}
