//! What is asked and answered, byte for byte. Pure.
//!
//! ```text
//!   magic 9 | kind 1 | key id 8 | nonce 16 | body, padded with zeros | tag 32
//! ```
//!
//! The tag is an HMAC-SHA256 of all before it. Whoever is asked under a key that it does not
//! hold says so with its own key's id, and neither body nor tag.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ring::rand::{SecureRandom, SystemRandom};

use super::key::{ClusterKey, KeyId, TAG};

/// The last byte is the version.
const MAGIC: &[u8] = b"moorline\x01";
const NONCE: usize = 16;
const HEAD: usize = MAGIC.len() + 1 + KeyId::LENGTH + NONCE;
/// An address and a port; the longest names of a cluster and of a node (RFC 1035), each after
/// its length.
const LONGEST_BODY: usize = 18 + (1 + 63) + (1 + LONGEST_NODE_NAME);
const LONGEST_NODE_NAME: usize = 253;

/// No question is shorter, so that no answer is longer than its question.
pub(in crate::proof) const SHORTEST: usize = HEAD + LONGEST_BODY + TAG;

/// What makes an answer the answer to one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::proof) struct Nonce([u8; NONCE]);

impl Nonce {
    pub(in crate::proof) fn random() -> Self {
        let mut nonce = [0; NONCE];
        SystemRandom::new().fill(&mut nonce).expect("a kernel that has random numbers");
        Nonce(nonce)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Question = 1,
    Answer = 2,
    Stranger = 3,
}

impl Kind {
    fn read(byte: u8) -> Option<Self> {
        [Kind::Question, Kind::Answer, Kind::Stranger].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// What a node tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    key: ClusterKey,
    node: String,
}

impl Identity {
    /// A node of this name, in the cluster of this key. Of a name, what can stand in a host
    /// name is told, no more than 253 characters.
    pub fn new(key: ClusterKey, node: &str) -> Self {
        let node = node.chars().filter(char::is_ascii_graphic).take(LONGEST_NODE_NAME).collect();
        Identity { key, node }
    }
}

/// What a responder sends back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The answer, to one who holds the key.
    Answer(Vec<u8>),
    /// That it holds another key, to one whose question is well formed.
    Stranger(Vec<u8>),
}

/// What a responder sends back; nothing to anything else than a question.
pub(super) fn reply(datagram: &[u8], source: SocketAddr, own: &Identity) -> Option<Reply> {
    let Head { kind, key, nonce, .. } = Head::read(datagram)?;
    if kind != Kind::Question || datagram.len() < SHORTEST {
        return None;
    }
    if key != own.key.id() {
        return Some(Reply::Stranger(head(Kind::Stranger, own.key.id(), nonce)));
    }
    open(&own.key, datagram)?;
    let mut answer = head(Kind::Answer, key, nonce);
    answer.extend(octets(source.ip()));
    answer.extend(source.port().to_be_bytes());
    for text in [own.key.cluster().as_str(), &own.node] {
        answer.push(u8::try_from(text.len()).ok()?);
        answer.extend(text.as_bytes());
    }
    Some(Reply::Answer(seal(&own.key, answer, datagram.len())))
}

/// A question of so many bytes, or [`SHORTEST`].
pub(in crate::proof) fn question(key: &ClusterKey, nonce: Nonce, size: usize) -> Vec<u8> {
    seal(key, head(Kind::Question, key.id(), nonce), size.max(SHORTEST))
}

/// What the one that was asked said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::proof) enum Said {
    /// It holds the key.
    Kin {
        /// The address that it was asked from, as it saw it.
        source: SocketAddr,
        /// Its name.
        node: String,
    },
    /// It does not hold the key.
    Foreign,
}

/// What a datagram says in answer to a question, and to which; none where it is no answer.
pub(in crate::proof) fn read(datagram: &[u8], key: &ClusterKey) -> Option<(Nonce, Said)> {
    let head = Head::read(datagram)?;
    let said = match head.kind {
        Kind::Question => return None,
        Kind::Stranger if head.key == key.id() => return None,
        Kind::Stranger => Said::Foreign,
        // Who claims the key and cannot sign with it does not have it.
        Kind::Answer => match open(key, datagram) {
            Some(body) if head.key == key.id() => kin(body, key)?,
            _ => Said::Foreign,
        },
    };
    Some((head.nonce, said))
}

/// The body of a signed answer. A key is of one cluster: who signs with it and names another
/// lies.
fn kin(body: &[u8], key: &ClusterKey) -> Option<Said> {
    let (address, rest) = body.split_first_chunk::<16>()?;
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let (cluster, rest) = text(rest)?;
    let (node, _padding) = text(rest)?;
    if cluster != key.cluster().as_str() {
        return Some(Said::Foreign);
    }
    let address = IpAddr::from(Ipv6Addr::from(*address)).to_canonical();
    let source = SocketAddr::new(address, u16::from_be_bytes(*port));
    Some(Said::Kin { source, node: node.to_owned() })
}

/// A text after its length. It reaches people's terminals: nothing but visible ASCII.
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(*length))?;
    let visible = text.iter().all(u8::is_ascii_graphic);
    Some((std::str::from_utf8(text).ok().filter(|_| visible)?, rest))
}

struct Head {
    kind: Kind,
    key: KeyId,
    nonce: Nonce,
}

impl Head {
    fn read(datagram: &[u8]) -> Option<Self> {
        let rest = datagram.strip_prefix(MAGIC)?;
        let (kind, rest) = rest.split_first()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (nonce, _) = rest.split_first_chunk()?;
        Some(Head { kind: Kind::read(*kind)?, key: KeyId(*key), nonce: Nonce(*nonce) })
    }
}

fn head(kind: Kind, key: KeyId, nonce: Nonce) -> Vec<u8> {
    [MAGIC, &[kind as u8], &key.0, &nonce.0].concat()
}

/// Pads and signs a message, so that it has this size.
fn seal(key: &ClusterKey, mut message: Vec<u8>, size: usize) -> Vec<u8> {
    message.resize(size - TAG, 0);
    let tag = key.sign(&message);
    message.extend(tag);
    message
}

/// The body of a signed message; none where the tag does not fit.
fn open<'a>(key: &ClusterKey, datagram: &'a [u8]) -> Option<&'a [u8]> {
    let (message, tag) = datagram.split_last_chunk()?;
    key.fits(message, tag).then(|| message.get(HEAD..)).flatten()
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

#[cfg(test)]
mod tests;
