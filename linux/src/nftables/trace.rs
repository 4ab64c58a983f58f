//! Which rule or policy dropped a packet, told by the kernel itself: `nft monitor trace`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::task::JoinHandle;

use super::{Chain, NFT, spawn};
use crate::error::{Cannot, Result};

/// Listens to the traces of packets that a rule with `meta nftrace set 1` marked, in the
/// namespace where it was started. A packet that passes right after the start may be missed.
#[derive(Debug)]
pub struct Tracer {
    told: Arc<Mutex<Traces>>,
    reader: JoinHandle<()>,
    _child: Child,
}

/// A packet that was dropped, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// The packet's source.
    pub source: IpAddr,
    /// The packet's destination.
    pub destination: IpAddr,
    /// Where it was dropped.
    pub chain: Chain,
    /// The rule; none where it was the chain's policy.
    pub rule: Option<String>,
}

impl Tracer {
    /// Starts to listen.
    pub fn start() -> Result<Self> {
        let what = || "trace packets through nftables".to_owned();
        let mut child = spawn(NFT, &["monitor", "trace"], Stdio::null(), what)?;
        let lines = child.stdout.take().ok_or_else(|| std::io::Error::other("no output"));
        let told = Arc::default();
        let reader = tokio::spawn(read(lines.cannot(what)?, Arc::clone(&told)));
        Ok(Tracer { told, reader, _child: child })
    }

    /// What was dropped so far.
    pub fn dropped(&self) -> Vec<Dropped> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).dropped.clone()
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

#[derive(Debug, Default)]
struct Traces {
    /// Source and destination, by the trace's id.
    packets: BTreeMap<String, (IpAddr, IpAddr)>,
    dropped: Vec<Dropped>,
}

async fn read(output: impl AsyncRead + Unpin, told: Arc<Mutex<Traces>>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        told.lock().unwrap_or_else(PoisonError::into_inner).take(&line);
    }
}

impl Traces {
    /// Takes in one line, `trace id ID FAMILY TABLE CHAIN WHAT`, where WHAT is
    /// `packet: ...`, `policy drop`, or `rule ... (verdict drop)`.
    fn take(&mut self, line: &str) -> Option<()> {
        let mut words = line.strip_prefix("trace id ")?.splitn(5, ' ');
        let id = words.next()?;
        let [family, table, chain] = [words.next()?, words.next()?, words.next()?];
        let what = words.next()?.trim();
        if let Some(packet) = what.strip_prefix("packet: ") {
            let ends = (after(packet, "saddr")?, after(packet, "daddr")?);
            self.packets.insert(id.to_owned(), ends);
            return Some(());
        }
        let rule = match what.strip_suffix("(verdict drop)") {
            Some(rule) => Some(rule.trim_start_matches("rule ").trim().to_owned()),
            None if what == "policy drop" => None,
            None => return None,
        };
        let (source, destination) = *self.packets.get(id)?;
        let [family, table, name] = [family, table, chain].map(ToOwned::to_owned);
        let chain = Chain { family, table, name };
        self.dropped.push(Dropped { source, destination, chain, rule });
        Some(())
    }
}

/// The IP address after a word; after the same word there may be a hardware address first.
fn after(packet: &str, word: &str) -> Option<IpAddr> {
    let words = packet.split(' ');
    let mut pairs = words.clone().zip(words.skip(1));
    pairs.find_map(|(found, next)| (found == word).then(|| next.parse().ok())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nft 1.0.6 printed it.
    const SEEN: &str = r#"trace id 909ed2bd ip fw outp packet: oif "lo" ip saddr 127.0.0.1 ip daddr 127.0.0.9 ip dscp cs0 ip ttl 64 icmp type echo-request
trace id 909ed2bd ip fw outp rule jump blk (verdict jump blk)
trace id 909ed2bd ip fw blk rule ip daddr 127.0.0.9 counter packets 0 bytes 0 drop comment "hi there" (verdict drop)
trace id dd9d05d7 inet tt early packet: oif "lo" ip6 saddr ::1 ip6 daddr ::1 ip6 dscp cs0 icmpv6 type echo-request
trace id dd9d05d7 inet tt early policy accept 
trace id dd9d05d7 ip6 fw outp policy drop 
trace id bd3071f4 ip filter OUTPUT packet: oif "eth0" ether saddr 6a:3c:0d:00:00:01 ether daddr 6a:3c:0d:00:00:02 ip saddr 127.0.0.1 ip daddr 127.0.0.2 ip ttl 64
trace id bd3071f4 ip filter OUTPUT unknown rule handle 2 (verdict drop)
nonsense"#;

    #[test]
    fn a_drop_is_told_with_its_chain_and_packet() {
        let mut traces = Traces::default();
        for line in SEEN.lines() {
            traces.take(line);
        }
        let found: Vec<_> = traces
            .dropped
            .iter()
            .map(|drop| {
                let Dropped { destination, chain, rule, .. } = drop;
                let Chain { family, table, name } = chain;
                format!("{destination} {family} {table} {name} {}", rule.as_deref().unwrap_or("-"))
            })
            .collect();
        let rule = r#"ip daddr 127.0.0.9 counter packets 0 bytes 0 drop comment "hi there""#;
        assert_eq!(
            found,
            [
                &format!("127.0.0.9 ip fw blk {rule}"),
                "::1 ip6 fw outp -",
                "127.0.0.2 ip filter OUTPUT unknown rule handle 2",
            ]
        );
    }
}
