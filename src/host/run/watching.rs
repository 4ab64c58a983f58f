//! The prober of the service, and the responder that answers those of other nodes.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use provider_api::{Observed, Peer};
use tokio::sync::mpsc;

use crate::host::supervise::Tasks;
use crate::host::{Directories, NetworkState, Proof, probing};
use crate::proof::{
    self, Evidence, Heard, Identity, Limits, Outcome, Request, Responder, Seat, Watcher,
    canary_address,
};

const PROBER: &str = "probe";
const RESPONDER: &str = "responder";
/// How long until a responder that could not open is opened again: at first, as the one before
/// it may not have ended yet, and at most.
const AGAIN: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(64);

/// What asking came to; none where this machine lets nobody be asked.
pub(super) type Probed = Option<Evidence>;

/// Whom to ask, what they said, and who answers for this node.
#[derive(Default)]
pub(super) struct Watching {
    watcher: Option<Watcher>,
    heard: Heard,
    post: Option<Post>,
    /// When the last answers came.
    at: Option<Timestamp>,
}

impl Watching {
    /// Takes note of how things stand: whom there is to ask, and where to answer.
    pub(super) fn follow(
        &mut self,
        state: &NetworkState,
        directories: &Directories,
        observed: &Observed,
        tasks: &mut Tasks,
    ) {
        let mut request = probing::request(state, directories, observed);
        self.answer(Post::of(&request, state), tasks);
        match &mut self.watcher {
            Some(watcher) => {
                // A control server takes the routes of a node that is down.
                let is_down = |peer: &&Peer| !peer.online && watcher.has_answered(&peer.id);
                let listed = |peer: &Peer| request.peers.iter().any(|node| node.id == peer.id);
                let down = observed.peers.iter().filter(|peer| is_down(peer) && !listed(peer));
                let down: Vec<_> = down.cloned().collect();
                request.peers.extend(down);
                watcher.follow(request);
            }
            None => {
                let heard = self.heard.clone();
                self.watcher = Some(Watcher::new(Limits::default(), request, heard));
            }
        }
    }

    /// Asks whose turn it is, in a task of its own: silence takes seconds.
    pub(super) fn ask(&mut self, tasks: &mut Tasks, probed: mpsc::Sender<Probed>) {
        let Some(watcher) = &mut self.watcher else { return };
        let Some(round) = watcher.due(Instant::now()) else { return };
        tasks.start(PROBER, async move {
            let evidence = proof::probe(&round).await;
            let told = evidence.inspect_err(|cause| tracing::warn!(%cause, "cannot probe"));
            drop(probed.send(told.ok()).await);
        });
    }

    /// Takes in what asking came to.
    pub(super) fn take_in(&mut self, probed: Probed) {
        let Some(watcher) = &mut self.watcher else { return };
        self.at = probed.as_ref().map(|_| Timestamp::now());
        match probed {
            Some(evidence) => watcher.took_in(evidence, Instant::now()),
            None => watcher.failed(),
        }
    }

    /// Everybody is asked anew: something was mended, or somebody wants to know.
    pub(super) fn hurry(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            watcher.hurry();
        }
    }

    /// Whether somebody is being asked, or waits to be.
    pub(super) fn is_asking(&self) -> bool {
        let now = Instant::now();
        let is_asking = |watcher: &Watcher| match watcher.next(now) {
            Some(due) => due <= now,
            None => watcher.is_asking(),
        };
        self.watcher.as_ref().is_some_and(is_asking)
    }

    /// When there is somebody to ask.
    pub(super) fn next(&self) -> Option<Instant> {
        self.watcher.as_ref()?.next(Instant::now())
    }

    /// What is known; none where nothing is.
    pub(super) fn proof(&self) -> Option<Proof> {
        let verdict = self.watcher.as_ref()?.verdict(Instant::now());
        let at = match verdict.outcome {
            Outcome::Alone => Timestamp::now(),
            Outcome::Proven | Outcome::Unproven | Outcome::Unknown => self.at?,
        };
        Some(Proof { at, verdict })
    }

    /// Sees to it that this node answers there, and as that, and nowhere else.
    fn answer(&mut self, post: Option<Post>, tasks: &mut Tasks) {
        let is_held = post.is_none() || tasks.is_running(RESPONDER);
        if is_held && self.post == post {
            return;
        }
        tasks.stop(RESPONDER);
        if let Some(post) = post.clone() {
            tasks.start(RESPONDER, post.hold(self.heard.clone()));
        }
        self.post = post;
    }
}

/// Where this node answers, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Post {
    canary: PathBuf,
    seat: Seat,
    addresses: Vec<IpAddr>,
    identity: Identity,
}

impl Post {
    /// None where there is no canary to answer in.
    fn of(request: &Request, state: &NetworkState) -> Option<Self> {
        let canary = request.canary.clone()?;
        let addresses = request.pod_cidrs.iter().filter_map(|cidr| canary_address(*cidr).ok());
        Some(Post {
            seat: Seat::at(&canary)?,
            addresses: addresses.map(|address| address.addr()).collect(),
            identity: Identity::new(request.key.clone()?, &state.membership.as_ref()?.name),
            canary,
        })
    }

    async fn hold(self, heard: Heard) {
        let mut wait = AGAIN;
        loop {
            let opened = Responder::open(&self.canary, &self.addresses, self.identity.clone());
            match opened {
                Ok(responder) => {
                    let ended = responder.telling(heard.clone()).serve().await;
                    tracing::warn!(?ended, "the responder ended");
                    wait = AGAIN;
                }
                Err(cause) => tracing::warn!(%cause, "no responder"),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(SELDOM);
        }
    }
}
