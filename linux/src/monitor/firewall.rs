//! What nftables tells: the changes of one transaction, then its generation, with who did it.

use super::message::{Message, messages, text};
use super::{FirewallChange, KernelEvent};
use crate::nftables::{Chain, Table};

/// `NFNL_SUBSYS_NFTABLES` of `linux/netfilter/nfnetlink.h`, the upper byte of the type.
const NFTABLES: u16 = 10 << 8;
// `NFT_MSG_*` of `linux/netfilter/nf_tables.h`.
const NEW_CHAIN: u16 = NFTABLES | 3;
const DELETE_CHAIN: u16 = NFTABLES | 5;
const NEW_RULE: u16 = NFTABLES | 6;
const DELETE_RULE: u16 = NFTABLES | 8;
const GENERATION: u16 = NFTABLES | 15;

/// `struct nfgenmsg`.
const HEADER: usize = 4;

impl FirewallChange {
    /// Takes in a datagram. The events are those of the transactions that it ended.
    pub(super) fn take(&mut self, datagram: &[u8]) -> Vec<KernelEvent> {
        messages(datagram).filter_map(|message| self.take_one(&message)).collect()
    }

    fn take_one(&mut self, message: &Message<'_>) -> Option<KernelEvent> {
        if message.kind != GENERATION {
            self.note(message);
            return None;
        }
        const PROGRAM: u16 = 3;
        let mut change = std::mem::take(self);
        change.program = message.attribute(HEADER, PROGRAM).map(text);
        Some(KernelEvent::Firewall(change))
    }

    /// Every object has its table as its first attribute.
    fn note(&mut self, message: &Message<'_>) -> Option<()> {
        const TABLE: u16 = 1;
        const CHAIN_OF_RULE: u16 = 2;
        const CHAIN: u16 = 3;
        const HOOK: u16 = 4;
        let attribute = |wanted| message.attribute(HEADER, wanted);
        let family = family(message.byte(0)?)?.to_owned();
        let table = text(attribute(TABLE)?);
        let chain = match message.kind {
            NEW_CHAIN | DELETE_CHAIN => attribute(CHAIN),
            NEW_RULE | DELETE_RULE => attribute(CHAIN_OF_RULE),
            _ => None,
        };
        if let Some(name) = chain.map(text) {
            self.chains.insert(Chain { family: family.clone(), table: table.clone(), name });
        }
        let is_chain = matches!(message.kind, NEW_CHAIN | DELETE_CHAIN);
        self.base_chain |= is_chain && attribute(HOOK).is_some();
        self.tables.insert(Table { family, name: table });
        Some(())
    }
}

/// `NFPROTO_*` of `linux/netfilter.h`, as `nft` calls them.
fn family(number: u8) -> Option<&'static str> {
    match number {
        1 => Some("inet"),
        2 => Some("ip"),
        3 => Some("arp"),
        5 => Some("netdev"),
        7 => Some("bridge"),
        10 => Some("ip6"),
        _ => None,
    }
}
