//! The key that the nodes of one cluster share.

use std::fmt;

use provider_api::{ClusterName, Secret};
use ring::hkdf::{self, KeyType};
use ring::hmac;

/// What the keys of this version of the protocol are derived with.
const SALT: &[u8] = b"moorline responder 1";

/// Proves that two nodes are of one cluster: whoever holds it can ask, and answer.
#[derive(Clone)]
pub struct ClusterKey {
    cluster: ClusterName,
    id: KeyId,
    mac: hmac::Key,
}

/// Tells keys apart, and nothing of what they were made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub(super) [u8; KeyId::LENGTH]);

impl KeyId {
    pub(super) const LENGTH: usize = 8;
}

impl KeyType for KeyIdLength {
    fn len(&self) -> usize {
        KeyId::LENGTH
    }
}

struct KeyIdLength;

impl ClusterKey {
    /// The key of the cluster of this name. A secret that its nodes share keeps out whoever
    /// knows the name, and tells clusters of one name apart; without one, the name is all
    /// that tells clusters apart.
    pub fn new(cluster: &ClusterName, secret: Option<&Secret>) -> Self {
        let secret = secret.map_or("", Secret::expose);
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(secret.as_bytes());
        let mut id = [0; KeyId::LENGTH];
        let name = cluster.as_str().as_bytes();
        let (mac_info, id_info) = ([b"mac ".as_slice(), name], [b"id ".as_slice(), name]);
        let short = "a key shorter than HKDF's limit";
        root.expand(&id_info, KeyIdLength).and_then(|okm| okm.fill(&mut id)).expect(short);
        let mac = root.expand(&mac_info, hmac::HMAC_SHA256).expect(short).into();
        ClusterKey { cluster: cluster.clone(), id: KeyId(id), mac }
    }

    /// The cluster that it is of.
    pub fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    /// What tells it apart from other keys.
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; TAG] {
        let mut tag = [0; TAG];
        tag.copy_from_slice(hmac::sign(&self.mac, message).as_ref());
        tag
    }

    /// In constant time.
    pub(super) fn fits(&self, message: &[u8], tag: &[u8; TAG]) -> bool {
        hmac::verify(&self.mac, message, tag).is_ok()
    }
}

/// The length of a message authentication code (HMAC-SHA256), in bytes.
pub(super) const TAG: usize = 32;

impl PartialEq for ClusterKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for ClusterKey {}

impl fmt::Debug for ClusterKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ClusterKey({})", self.cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(cluster: &str, secret: Option<&str>) -> ClusterKey {
        ClusterKey::new(&cluster.parse().unwrap(), secret.map(Secret::new).as_ref())
    }

    #[test]
    fn name_and_secret_make_the_key() {
        let keys = [key("a", None), key("b", None), key("a", Some("x")), key("a", Some("y"))];
        for (number, one) in keys.iter().enumerate() {
            for (other_number, other) in keys.iter().enumerate() {
                let same = number == other_number;
                assert_eq!(one == other, same, "{number} {other_number}");
                assert_eq!(other.fits(b"hello", &one.sign(b"hello")), same);
            }
        }
        assert_eq!(keys[3], key("a", Some("y")));
    }

    #[test]
    fn a_tag_is_of_one_message() {
        let key = key("a", None);
        assert!(!key.fits(b"hallo", &key.sign(b"hello")));
    }

    #[test]
    fn debug_tells_no_key() {
        assert_eq!(format!("{:?}", key("a", Some("hush"))), "ClusterKey(a)");
    }
}
