//! Whose turn it is: those with news or traffic first, and everybody in turn.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use provider_api::{NodeId, Path};

use super::watched::Watched;

/// So many peers in each interval, and no more.
#[derive(Debug)]
pub(super) struct Turn {
    interval: Duration,
    at_once: usize,
    began: Option<Instant>,
    asked: usize,
}

impl Turn {
    pub(super) fn new(interval: Duration, at_once: usize) -> Self {
        Turn { interval, at_once, began: None, asked: 0 }
    }

    /// When there is somebody to ask.
    pub(super) fn next<'a>(
        &self,
        peers: impl Iterator<Item = &'a Watched>,
        now: Instant,
    ) -> Option<Instant> {
        let mut online = peers.filter(|watched| watched.peer.online).peekable();
        online.peek()?;
        let Some(began) = self.began else { return Some(now) };
        let is_urgent = self.asked < self.at_once && online.any(|watched| watched.news);
        Some(if is_urgent { now } else { began + self.interval })
    }

    /// Who is asked now: within an interval only those with news.
    pub(super) fn choose(
        &mut self,
        peers: &BTreeMap<NodeId, Watched>,
        now: Instant,
    ) -> Vec<NodeId> {
        let is_new = self.began.is_none_or(|began| now.duration_since(began) >= self.interval);
        if is_new {
            (self.began, self.asked) = (Some(now), 0);
        }
        let left = self.at_once.saturating_sub(self.asked);
        let online = peers.values().filter(|watched| watched.peer.online);
        let mut waiting: Vec<_> = online.filter(|watched| is_new || watched.news).collect();
        // Half of the places are for who waited longest, whatever there is to say of them.
        waiting.sort_by_key(|watched| (watched.urgency(), watched.asked));
        let mut chosen: Vec<_> = waiting.drain(..waiting.len().min(left.div_ceil(2))).collect();
        waiting.sort_by_key(|watched| watched.asked);
        chosen.extend(waiting.into_iter().take(left - chosen.len()));
        self.asked += chosen.len();
        chosen.into_iter().map(|watched| watched.peer.id.clone()).collect()
    }
}

/// The first are the most urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    News,
    Traffic,
    None,
}

impl Watched {
    fn urgency(&self) -> Urgency {
        match (self.news, &self.peer.path) {
            (true, _) => Urgency::News,
            (false, Path::Direct(_) | Path::Relayed(_)) => Urgency::Traffic,
            (false, Path::Idle) => Urgency::None,
        }
    }
}
