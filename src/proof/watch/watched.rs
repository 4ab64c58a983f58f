//! What is known of one peer.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use provider_api::{Path, Peer};

use super::Limits;
use super::history::History;
use crate::proof::evidence::{CanaryEvidence, PeerEvidence};
use crate::proof::verdict::{crossed, kin};
use crate::proof::{Heard, Kin, PeerVerdict, Word};

/// From one closer look at a peer that stays silent to the next: twice as long each time.
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(320);

/// What is known of one peer.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) peer: Peer,
    /// Whether something happened that an answer would throw light on.
    pub(super) news: bool,
    /// When it was last asked.
    pub(super) asked: Option<Instant>,
    evidence: Option<PeerEvidence>,
    kin: Kin,
    has_answered: bool,
    histories: BTreeMap<IpAddr, History>,
    /// When the first question was asked that has no answer.
    silent_since: Option<Instant>,
    /// The last closer look, whether the round under way has one, and how long it holds.
    looked: Option<Instant>,
    is_looking: bool,
    wait: Duration,
}

impl Watched {
    pub(super) fn new(peer: Peer) -> Self {
        Watched {
            peer,
            news: true,
            asked: None,
            evidence: None,
            kin: Kin::Unknown,
            has_answered: false,
            histories: BTreeMap::new(),
            silent_since: None,
            looked: None,
            is_looking: false,
            wait: FIRST_WAIT,
        }
    }

    /// The same peer, as it is now.
    pub(super) fn renewed(mut self, peer: Peer) -> Self {
        let is_moved = peer.routes != self.peer.routes || peer.addresses != self.peer.addresses;
        let is_back = peer.online != self.peer.online;
        let is_changed = is_moved || is_back || is_rerouted(&peer.path, &self.peer.path);
        if is_moved {
            self.forget_answers();
            self.histories.clear();
        }
        if is_changed {
            self.hurry();
        }
        self.peer = peer;
        self
    }

    pub(super) fn hurry(&mut self) {
        (self.news, self.looked, self.wait) = (true, None, FIRST_WAIT);
    }

    /// It is asked now. Whether its silence, if it is silent, is to be looked at closely.
    pub(super) fn asked_at(&mut self, now: Instant) -> bool {
        (self.news, self.asked) = (false, Some(now));
        self.is_looking = self.looked.is_none_or(|looked| now.duration_since(looked) >= self.wait);
        self.is_looking
    }

    /// Whether packets were lost lately, so that it is worth counting.
    pub(super) fn has_lost(&self, now: Instant) -> bool {
        let mut qualities = self.histories.values().filter_map(|history| history.quality(now));
        qualities.any(|quality| quality.lost > 0)
    }

    pub(super) fn take_in(&mut self, mut new: PeerEvidence, now: Instant, limits: &Limits) {
        let old = self.evidence.take();
        for canary in &mut new.canaries {
            let before = old.iter().flat_map(|old| &old.canaries);
            if let Some(before) = before.into_iter().find(|old| old.canary == canary.canary) {
                remember(canary, before);
            }
            if canary.small.is_reply() {
                let tries = match &canary.tries[..] {
                    [] => &[canary.small.round_trip()],
                    tries => tries,
                };
                self.histories.entry(canary.canary).or_default().add(tries, now, limits);
            }
        }
        self.kin = match kin(&new) {
            Kin::Unknown => self.kin,
            known @ (Kin::Ours | Kin::Foreign) => known,
        };
        if crossed(&new) {
            (self.has_answered, self.looked, self.wait) = (true, None, FIRST_WAIT);
        } else if self.is_looking {
            self.wait = self.looked.map_or(FIRST_WAIT, |_| (self.wait * 2).min(LONGEST_WAIT));
            self.looked = Some(now);
        }
        self.evidence = Some(new);
    }

    /// Whether the peer's own questions arrive here while ours have no answer. Those from before
    /// say nothing.
    pub(super) fn listen(&mut self, heard: &Heard) {
        let canaries = self.evidence.iter_mut().flat_map(|evidence| &mut evidence.canaries);
        let mut silent = canaries.filter(|canary| !canary.small.is_reply()).peekable();
        if silent.peek().is_none() {
            self.silent_since = None;
            return;
        }
        let Some(asked) = self.asked else { return };
        let since = *self.silent_since.get_or_insert(asked);
        let sources = heard.since(since);
        for canary in silent {
            let is_own =
                |from: &IpAddr| *from == canary.canary || self.peer.addresses.contains(from);
            let is_heard = sources.iter().any(is_own);
            if let Some(trouble) = &mut canary.trouble {
                trouble.heard = is_heard;
            }
        }
    }

    pub(super) fn forget_answers(&mut self) {
        self.evidence = None;
    }

    /// The last answer, with what was learned before and still holds.
    pub(super) fn evidence(&self) -> Option<&PeerEvidence> {
        self.evidence.as_ref()
    }

    pub(super) fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Whether it answered once, and is offline now.
    pub(super) fn is_down(&self) -> bool {
        self.has_answered && !self.peer.online
    }

    /// Its canaries' histories.
    pub(super) fn histories(&self) -> impl Iterator<Item = (&IpAddr, &History)> {
        self.histories.iter()
    }

    /// Adds what is known of the time before to what the last answers came to.
    pub(super) fn complete(&self, verdict: &mut PeerVerdict, now: Instant) {
        verdict.kin = self.kin;
        for crossing in &mut verdict.crossings {
            let history = self.histories.get(&crossing.canary);
            crossing.quality = history.and_then(|history| history.quality(now));
        }
    }
}

/// What a closer look found holds while the silence lasts, and a stranger that falls silent is
/// none the less a stranger.
fn remember(new: &mut CanaryEvidence, old: &CanaryEvidence) {
    if new.small.is_reply() {
        if new.full == old.full {
            new.largest = new.largest.or(old.largest);
        }
    } else if old.word == Some(Word::Foreign) && !matches!(new.word, Some(Word::Kin { .. })) {
        new.word = Some(Word::Foreign);
    } else if !old.small.is_reply() && new.trouble.is_none() {
        (new.small, new.trouble) = (old.small.clone(), old.trouble.clone());
    }
}

/// Whether packets go through a relay that went straight before, or the other way round.
fn is_rerouted(one: &Path, other: &Path) -> bool {
    matches!(
        (one, other),
        (Path::Direct(_), Path::Relayed(_)) | (Path::Relayed(_), Path::Direct(_))
    )
}
