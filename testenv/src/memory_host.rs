//! A host without a machine under it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use provider_api::{Error, ErrorKind, Host, Ledger, LedgerEntry, Result, Secret, Step};

use crate::lab::lock;

/// A host in memory: keeps the ledger, and remembers every step and every question for a
/// secret. Can be told that its disk is full.
#[derive(Debug, Default)]
pub struct MemoryHost {
    secrets: BTreeMap<String, Secret>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    ledger: Ledger,
    entries: Vec<LedgerEntry>,
    steps: Vec<Step>,
    asked: Vec<String>,
    room: Option<usize>,
}

impl MemoryHost {
    /// A host that knows these secrets, by the key of the settings.
    pub fn new(secrets: impl IntoIterator<Item = (String, Secret)>) -> Self {
        MemoryHost { secrets: secrets.into_iter().collect(), seen: Mutex::default() }
    }

    /// The secret keys that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.seen).asked.clone()
    }

    /// Every step that was reported, in order.
    pub fn steps(&self) -> Vec<Step> {
        lock(&self.seen).steps.clone()
    }

    /// Every entry that was written, in order.
    pub fn entries(&self) -> Vec<LedgerEntry> {
        lock(&self.seen).entries.clone()
    }

    /// What is in the ledger now.
    pub fn now_in_ledger(&self) -> Ledger {
        lock(&self.seen).ledger.clone()
    }

    /// From now on there is room for so many more entries; none lifts the limit.
    pub fn limit_entries(&self, room: Option<usize>) {
        lock(&self.seen).room = room;
    }
}

#[async_trait]
impl Host for MemoryHost {
    fn progress(&self, step: Step) {
        lock(&self.seen).steps.push(step);
    }

    async fn ledger(&self) -> Result<Ledger> {
        Ok(self.now_in_ledger())
    }

    async fn record(&self, entry: LedgerEntry) -> Result<()> {
        let mut seen = lock(&self.seen);
        if let Some(room) = &mut seen.room {
            *room = room.checked_sub(1).ok_or_else(|| {
                Error::new(ErrorKind::Unavailable, "disk-full", "the ledger cannot be written")
                    .fix("df /var/lib/moorline")
            })?;
        }
        seen.entries.push(entry.clone());
        seen.ledger.enter(entry);
        Ok(())
    }

    async fn secret(&self, key: &str) -> Result<Option<Secret>> {
        lock(&self.seen).asked.push(key.to_owned());
        Ok(self.secrets.get(key).cloned())
    }
}
