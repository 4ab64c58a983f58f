use proptest::prelude::*;
use provider_api::Secret;

use super::*;

fn key(cluster: &str, secret: Option<&str>) -> ClusterKey {
    ClusterKey::new(&cluster.parse().unwrap(), secret.map(Secret::new).as_ref())
}

fn node(cluster: &str) -> Identity {
    Identity::new(key(cluster, None), "node-b")
}

fn source() -> SocketAddr {
    "10.42.1.2:40000".parse().unwrap()
}

fn asked(key: &ClusterKey, size: usize) -> (Nonce, Vec<u8>) {
    let nonce = Nonce::random();
    (nonce, question(key, nonce, size))
}

fn bytes(reply: Option<Reply>) -> Vec<u8> {
    match reply.expect("a reply") {
        Reply::Answer(bytes) | Reply::Stranger(bytes) => bytes,
    }
}

#[test]
fn kin_tell_each_other_who_they_are() {
    let own = key("a", None);
    for from in ["10.42.1.2:40000", "[2001:cafe:42:1::2]:40000"] {
        let source = from.parse().unwrap();
        let (nonce, question) = asked(&own, 1252);
        let answer = bytes(reply(&question, source, &node("a")));
        assert_eq!(answer.len(), question.len());
        let said = Said::Kin { source, node: "node-b".into() };
        assert_eq!(read(&answer, &own), Some((nonce, said)));
    }
}

#[test]
fn two_clusters_tell_each_other_that_they_are_two() {
    let (own, other) = (key("a", None), node("b"));
    let (nonce, question) = asked(&own, SHORTEST);
    let stranger = bytes(reply(&question, source(), &other));
    assert!(stranger.len() < question.len());
    assert_eq!(read(&stranger, &own), Some((nonce, Said::Foreign)));
    let text = String::from_utf8_lossy(&stranger).into_owned();
    assert!(!text.contains("node-b"), "a stranger learns no name: {text}");

    let same_name = Identity::new(key("a", Some("secret")), "node-c");
    let stranger = bytes(reply(&question, source(), &same_name));
    assert_eq!(read(&stranger, &own), Some((nonce, Said::Foreign)));
}

#[test]
fn a_liar_gains_nothing() {
    let own = key("a", None);
    let (nonce, question) = asked(&own, SHORTEST);
    // Our key's id, signed with another key.
    let mut forged = head(Kind::Answer, own.id(), nonce);
    forged.extend([0; 40]);
    let forged = seal(&key("b", None), forged, SHORTEST);
    assert_eq!(read(&forged, &own), Some((nonce, Said::Foreign)));
    // Our own question, sent back.
    assert_eq!(read(&question, &own), None);
    // Signed with our key, in another cluster's name; with a name that clears the screen.
    let lie = |cluster: &str, node: &str| {
        let mut lie = head(Kind::Answer, own.id(), nonce);
        lie.extend([0; 18]);
        for text in [cluster, node] {
            lie.push(u8::try_from(text.len()).unwrap());
            lie.extend(text.as_bytes());
        }
        read(&seal(&own, lie, SHORTEST), &own)
    };
    assert!(matches!(lie("a", "node"), Some((_, Said::Kin { .. }))));
    assert_eq!(lie("b", "node"), Some((nonce, Said::Foreign)));
    assert_eq!(lie("a", "\x1b[2J"), None);
    // It claims to be a stranger under our own key.
    assert_eq!(read(&head(Kind::Stranger, own.id(), nonce), &own), None);
}

#[test]
fn who_does_not_hold_the_key_cannot_pass_for_one_who_does() {
    let own = node("a");
    let (_, mut question) = asked(&key("b", None), SHORTEST);
    question[MAGIC.len() + 1..][..KeyId::LENGTH].copy_from_slice(&own.key.id().0);
    assert_eq!(reply(&question, source(), &own), None);
}

#[test]
fn a_name_of_any_length_fits() {
    let key = key(&"c".repeat(63), None);
    let node = Identity::new(key.clone(), &format!("ä {}", "n".repeat(300)));
    let answer = bytes(reply(&asked(&key, 0).1, source(), &node));
    assert_eq!(answer.len(), SHORTEST);
    let Some((_, Said::Kin { node, .. })) = read(&answer, &key) else { panic!("no answer") };
    assert_eq!(node, "n".repeat(253));
}

/// Bytes of any kind, and questions and answers with some of theirs changed.
fn datagrams() -> impl Strategy<Value = Vec<u8>> {
    let random = prop::collection::vec(any::<u8>(), 0..1500);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let changed =
        (0..3_u8, any::<prop::sample::Index>(), changes).prop_map(|(which, end, edits)| {
            let (_, question) = asked(&key("a", None), 600);
            let mut datagram = match which {
                0 => question,
                1 => bytes(reply(&question, source(), &node("a"))),
                _ => bytes(reply(&question, source(), &node("b"))),
            };
            for (index, byte) in edits {
                let length = datagram.len();
                datagram[index.index(length)] = byte;
            }
            datagram.truncate(end.index(2 * datagram.len()).max(1));
            datagram
        });
    prop_oneof![random, changed]
}

proptest! {
    #[test]
    fn no_reply_is_longer_than_what_it_replies_to(datagram in datagrams()) {
        if let Some(reply) = reply(&datagram, source(), &node("a")) {
            let answers = matches!(reply, Reply::Answer(_));
            prop_assert!(bytes(Some(reply)).len() <= datagram.len());
            prop_assert!(!answers || open(&key("a", None), &datagram).is_some());
        }
    }

    #[test]
    fn only_a_signed_answer_makes_kin(datagram in datagrams()) {
        let own = key("a", None);
        if let Some((_, Said::Kin { node, .. })) = read(&datagram, &own) {
            prop_assert!(open(&own, &datagram).is_some());
            prop_assert_eq!(node, "node-b");
        }
    }
}
