//! The responder of a canary, and what those who ask it are told.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use linux::Namespace;
use moorline::proof::{ClusterKey, Heard, Identity, RESPONDER_PORT, Responder, Seat, Word, ask};
use provider_api::Secret;
use tokio::task::JoinHandle;

use crate::hosts::{Host, Pair, block_on, is_root};

fn key(cluster: &str) -> ClusterKey {
    ClusterKey::new(&cluster.parse().unwrap(), None)
}

/// A responder at work; it ends with the runtime.
struct Serving {
    heard: Heard,
    _task: JoinHandle<()>,
}

fn serve(host: &Host, key: &ClusterKey, node: &str) -> Serving {
    let identity = Identity::new(key.clone(), node);
    let responder = Responder::open(&host.canary_path(), &host.canary_addresses(), identity);
    let heard = Heard::default();
    let responder = responder.unwrap().telling(heard.clone());
    let task = tokio::spawn(async move { panic!("{:?}", responder.serve().await) });
    Serving { heard, _task: task }
}

/// What `from` is told by the canary of `to`, in each family.
async fn words(from: &Host, to: &Host, key: &ClusterKey) -> [Word; 2] {
    let mut words = Vec::new();
    for pair in from.canary_addresses().into_iter().zip(to.canary_addresses()) {
        words.push(ask(&from.canary_path(), pair, key).await.unwrap());
    }
    words.try_into().unwrap()
}

fn kin(node: &str, sources: [IpAddr; 2]) -> [Word; 2] {
    sources.map(|source| Word::Kin { node: node.into(), source })
}

#[test]
fn kin_are_told_the_node_and_the_source_that_it_saw() {
    if !is_root() {
        return;
    }
    let Pair { here, there } = &Pair::joined();
    block_on(async {
        let start = Instant::now();
        let serving = serve(there, &key("a"), "node-b");
        let told = words(here, there, &key("a")).await;
        assert_eq!(told, kin("node-b", here.canary_addresses()));
        assert_eq!(serving.heard.since(start), here.canary_addresses());

        here.sh("nft add table ip nat
             nft add chain ip nat out '{ type nat hook postrouting priority 100; }'
             nft add rule ip nat out ip saddr 10.42.1.0/24 oifname vpn0 masquerade");
        let [ipv4, _] = words(here, there, &key("a")).await;
        let source = "100.64.0.1".parse().unwrap();
        assert_eq!(ipv4, Word::Kin { node: "node-b".into(), source });
    });
}

#[test]
fn two_clusters_are_foreign_to_each_other_for_certain() {
    if !is_root() {
        return;
    }
    let Pair { here, there } = &Pair::joined();
    let secret = Secret::new("hush");
    let with_secret = ClusterKey::new(&"a".parse().unwrap(), Some(&secret));
    for other in [key("b"), with_secret] {
        block_on(async {
            let start = Instant::now();
            let serving = [serve(here, &key("a"), "one"), serve(there, &other, "two")];
            assert_eq!(words(here, there, &key("a")).await, [Word::Foreign, Word::Foreign]);
            assert_eq!(words(there, here, &other).await, [Word::Foreign, Word::Foreign]);
            let heard = serving.map(|serving| serving.heard.since(start).len());
            assert_eq!(heard, [0, 0], "a stranger is none of ours");
        });
    }
}

#[test]
fn where_nothing_runs_its_machine_says_so_at_once() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    let Pair { here, there } = &pair;
    // A new cable has neighbours to find first.
    pair.verdict();
    block_on(async {
        let start = Instant::now();
        assert_eq!(words(here, there, &key("a")).await, [Word::Nobody, Word::Nobody]);
        assert!(start.elapsed() < Duration::from_millis(400), "{:?}", start.elapsed());
    });
    there.firewall("forward", &["meta l4proto udp drop"]);
    block_on(async {
        let _serving = serve(there, &key("a"), "node-b");
        assert_eq!(words(here, there, &key("a")).await, [Word::Silence, Word::Silence]);
    });
}

#[test]
fn one_canary_has_one_responder_and_gives_its_place_up_with_it() {
    if !is_root() {
        return;
    }
    let host = &Host::new(1);
    host.block_on(async || host.canary().ensure().await.unwrap());
    let open = || {
        let identity = Identity::new(key("a"), "node");
        Responder::open(&host.canary_path(), &host.canary_addresses(), identity)
    };
    block_on(async {
        let first = open().unwrap();
        let error = open().unwrap_err().to_string();
        assert!(error.contains("answer at 10.42.1.2:17842"), "{error}");
        drop(first);
        open().unwrap();
    });
}

/// Bytes that are different each time, and the same in each run.
fn noise(seed: &mut u64, length: usize) -> Vec<u8> {
    let mut byte = || {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed.to_be_bytes()[0]
    };
    (0..length).map(|_| byte()).collect()
}

#[test]
fn noise_is_answered_by_nobody_and_keeps_nobody_from_being_answered() {
    if !is_root() {
        return;
    }
    let Pair { here, there } = &Pair::joined();
    block_on(async {
        let _serving = serve(there, &key("a"), "node-b");
        let canary = Namespace::open(here.canary_path()).unwrap();
        let [own, _] = here.canary_addresses();
        let noisy = canary.run(|| UdpSocket::bind((own, 0))).unwrap().unwrap();
        let to = SocketAddr::new(there.canary_addresses()[0], RESPONDER_PORT);
        let mut seed = 7;
        for length in (0..1_200).step_by(3) {
            let mut datagram = noise(&mut seed, length);
            let head = b"moorline\x01\x01";
            if length % 2 == 0 && length > head.len() {
                datagram[..head.len()].copy_from_slice(head);
                datagram.truncate(300);
            }
            noisy.send_to(&datagram, to).unwrap();
        }
        let told = words(here, there, &key("a")).await;
        assert_eq!(told, kin("node-b", here.canary_addresses()));
        noisy.set_nonblocking(true).unwrap();
        let heard = noisy.recv_from(&mut [0; 1_500]).map_err(|error| error.kind());
        assert_eq!(heard, Err(std::io::ErrorKind::WouldBlock));
    });
}

#[test]
fn a_flood_is_answered_sparingly_and_with_less_than_it_brings() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    let Pair { here, there } = &pair;
    // A new cable has neighbours to find first.
    pair.verdict();
    let canary = Namespace::open(here.canary_path()).unwrap();
    let (own, to) = (here.canary_addresses()[0], there.canary_addresses()[0]);
    let socket = canary.run(|| UdpSocket::bind((own, 0))).unwrap().unwrap();
    socket.connect((to, RESPONDER_PORT)).unwrap();
    // Well-formed questions under a key that nobody here holds.
    let mut question = [0; 402];
    question[..10].copy_from_slice(b"moorline\x01\x01");
    block_on(async {
        let _serving = serve(there, &key("a"), "node-b");
        let start = Instant::now();
        let flood = tokio::task::spawn_blocking(move || {
            (0..5_000).for_each(|_| drop(socket.send(&question)));
            socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            let mut buffer = [0; 1_500];
            std::iter::from_fn(|| socket.recv(&mut buffer).ok()).collect::<Vec<_>>()
        });
        let ends = (here.canary_addresses()[1], there.canary_addresses()[1]);
        let told = ask(&here.canary_path(), ends, &key("a")).await.unwrap();
        assert_eq!(told, Word::Kin { node: "node-b".into(), source: ends.0 }, "others are served");
        let replies = flood.await.unwrap();
        let seconds = usize::try_from(start.elapsed().as_secs()).unwrap() + 1;
        let most = 33 + 20 * seconds;
        assert!((1..=most).contains(&replies.len()), "{} of {most}", replies.len());
        assert!(replies.iter().all(|length| *length < 402));
    });
}

#[test]
fn a_canary_that_was_made_anew_is_another_seat() {
    if !is_root() {
        return;
    }
    let host = Host::new(1);
    let ensure = || drop(host.block_on(async || host.canary().ensure().await.unwrap()));
    assert_eq!(Seat::at(&host.canary_path()), None);
    ensure();
    let first = Seat::at(&host.canary_path());
    ensure();
    assert!(first.is_some() && Seat::at(&host.canary_path()) == first);
    let _held = Namespace::open(host.canary_path()).unwrap();
    host.block_on(async || host.canary().remove().await.unwrap());
    ensure();
    assert_ne!(Seat::at(&host.canary_path()), first);
}

#[test]
fn a_liar_is_foreign_and_noise_in_its_answers_is_nothing() {
    if !is_root() {
        return;
    }
    let Pair { here, there } = &Pair::joined();
    let canary = Namespace::open(there.canary_path()).unwrap();
    let at = SocketAddr::new(there.canary_addresses()[0], RESPONDER_PORT);
    let socket = canary.run(|| UdpSocket::bind(at)).unwrap().unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // It sends noise, then the question itself, and then that question as an answer: it has no
    // key to sign with.
    let lie = std::thread::spawn(move || {
        let mut buffer = [0; 1_500];
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        let mut seed = 3;
        for length in [0, 1, 34, 500] {
            socket.send_to(&noise(&mut seed, length), from).unwrap();
        }
        socket.send_to(&buffer[..length], from).unwrap();
        buffer[9] = 2;
        socket.send_to(&buffer[..length], from).unwrap();
    });
    let pair = (here.canary_addresses()[0], at.ip());
    let word = block_on(async { ask(&here.canary_path(), pair, &key("a")).await.unwrap() });
    assert_eq!(word, Word::Foreign);
    lie.join().unwrap();
}
