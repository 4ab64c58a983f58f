//! Asks the responder of a peer's canary who it is, and whether packets cross to it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use linux::{Error, Namespace, Result};
use rustix::net::{RecvFlags, SendFlags, connect, recv, send};
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::responder::{
    ClusterKey, LONGEST, Nonce, RESPONDER_PORT, SHORTEST, Said, question, read, udp,
};

/// What a peer's canary said of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// It is of this cluster: it holds the key.
    Kin {
        /// The name that it gives itself.
        node: String,
        /// The address that it was asked from, as it saw it.
        source: IpAddr,
    },
    /// It is of another cluster: it holds another key.
    Foreign,
    /// Nobody there answers for Moorline, says its machine.
    Nobody,
    /// Nothing came back.
    Silence,
}

/// Asks the responder at a canary's address who it is, from the canary that is pinned here.
///
/// # Errors
/// No canary here, or an own address that is not its.
pub async fn ask(canary: &Path, (own, peer): (IpAddr, IpAddr), key: &ClusterKey) -> Result<Word> {
    let namespace = Namespace::open(canary)?;
    let lines = Line::open_all(Some(&namespace), key, &[(own, peer)])?;
    let what = || format!("ask {peer} from {own}");
    let mut word = Word::Silence;
    for line in lines {
        let line = line.map_err(|cause| Error::Kernel { what: what(), cause })?;
        word = line.ask(SHORTEST, Manner::USUAL).await.word;
    }
    Ok(word)
}

/// How to ask.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// How many answers are wanted.
    answers: usize,
    /// From one question to the next.
    every: Duration,
    /// How long to wait for the answer to the last one.
    patience: Duration,
}

impl Manner {
    /// One question, and others where it is not answered.
    pub(super) const USUAL: Manner = Manner {
        answers: 1,
        every: Duration::from_millis(400),
        patience: Duration::from_millis(1_250),
    };
    /// Enough of them to tell how many are lost.
    pub(super) const COUNTING: Manner =
        Manner { answers: 10, every: Duration::from_millis(20), ..Manner::USUAL };
}

/// So many questions are asked where none is answered.
const INSIST: usize = 3;
/// So many of them are large: one may be lost, whatever its size.
const LARGE: usize = 2;

/// What asking came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// What was said.
    pub(super) word: Word,
    /// How long the answer to a large question took; none where they were lost.
    pub(super) full: Option<Duration>,
    /// What became of each question, but for large ones that may be lost for their size: its
    /// round trip, or none where it was lost.
    pub(super) tries: Vec<Option<Duration>>,
}

impl Told {
    /// The shortest round trip that was seen.
    pub(super) fn shortest(&self) -> Option<Duration> {
        self.tries.iter().flatten().copied().chain(self.full).min()
    }
}

/// A socket for one pair of addresses.
#[derive(Debug)]
pub(super) struct Line {
    socket: UdpSocket,
    key: ClusterKey,
}

impl Line {
    /// A line for each of these pairs, from a namespace or from the one of this thread. Needs
    /// a tokio runtime.
    pub(super) fn open_all(
        namespace: Option<&Namespace>,
        key: &ClusterKey,
        pairs: &[(IpAddr, IpAddr)],
    ) -> Result<Vec<io::Result<Self>>> {
        let own: Vec<_> = pairs.iter().map(|(own, _)| SocketAddr::new(*own, 0)).collect();
        let sockets = udp(namespace, &own)?;
        let connected = sockets.into_iter().zip(pairs).map(|(socket, (_, peer))| {
            let socket = socket?;
            connect(&socket, &SocketAddr::new(*peer, RESPONDER_PORT))?;
            Ok(Line { socket, key: key.clone() })
        });
        Ok(connected.collect())
    }

    /// Asks: first with datagrams of so many bytes, then with short ones.
    pub(super) async fn ask(&self, size: usize, manner: Manner) -> Told {
        let mut talk = Talk { line: self, manner, asked: Vec::new(), word: Word::Silence };
        while talk.goes_on() {
            talk.question(if talk.asked.len() < LARGE { size } else { SHORTEST });
            talk.listen().await;
        }
        talk.told(Instant::now())
    }

    /// The next datagram, or what an ICMP message said of ours.
    async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let receive = || Ok(recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT)?);
        let (length, _) =
            self.socket.async_io(Interest::READABLE | Interest::ERROR, receive).await?;
        Ok(length)
    }
}

/// Questions on one line, and what has come back so far.
struct Talk<'a> {
    line: &'a Line,
    manner: Manner,
    asked: Vec<Asked>,
    word: Word,
}

struct Asked {
    nonce: Nonce,
    at: Instant,
    round_trip: Option<Duration>,
}

impl Talk<'_> {
    /// Whether there are questions left to ask.
    fn goes_on(&self) -> bool {
        let wanted = match self.word {
            Word::Kin { .. } => self.manner.answers,
            Word::Silence => self.manner.answers.max(INSIST),
            Word::Foreign | Word::Nobody => 0,
        };
        self.asked.len() < wanted
    }

    /// Whether nothing is left to wait for.
    fn is_over(&self) -> bool {
        let answered = self.asked.iter().filter(|asked| asked.round_trip.is_some()).count();
        answered >= self.manner.answers || matches!(self.word, Word::Foreign | Word::Nobody)
    }

    /// What this machine does not send is as good as lost.
    fn question(&mut self, size: usize) {
        let nonce = Nonce::random();
        self.asked.push(Asked { nonce, at: Instant::now(), round_trip: None });
        // Of a new socket tokio believes that it cannot be written to yet.
        let datagram = question(&self.line.key, nonce, size);
        if let Err(error) = send(&self.line.socket, &datagram, SendFlags::DONTWAIT) {
            self.fail(&error.into());
        }
    }

    /// Listens until all is said, or it is time for the next question.
    async fn listen(&mut self) {
        let wait = if self.goes_on() { self.manner.every } else { self.manner.patience };
        let deadline = self.asked.last().map_or_else(Instant::now, |last| last.at + wait);
        let mut buffer = vec![0; LONGEST];
        while !self.is_over() {
            match timeout_at(deadline, self.line.receive(&mut buffer)).await {
                Err(_time_is_up) => break,
                Ok(Ok(length)) => self.hear(buffer.get(..length).unwrap_or_default()),
                Ok(Err(error)) => self.fail(&error),
            }
        }
    }

    /// Any other error is what somebody on the way had to say: an echo finds out more.
    fn fail(&mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::ConnectionRefused && self.word == Word::Silence {
            self.word = Word::Nobody;
        }
    }

    /// What answers none of our questions is nothing to us.
    fn hear(&mut self, datagram: &[u8]) {
        let Some((nonce, said)) = read(datagram, &self.line.key) else { return };
        let Some(asked) = self.asked.iter_mut().find(|asked| asked.nonce == nonce) else { return };
        asked.round_trip.get_or_insert_with(|| asked.at.elapsed());
        if self.word != Word::Foreign {
            self.word = match said {
                Said::Kin { source, node } => Word::Kin { node, source: source.ip() },
                Said::Foreign => Word::Foreign,
            };
        }
    }

    fn told(self, now: Instant) -> Told {
        let answered = |asked: &Asked| asked.round_trip.is_some();
        let last = self.asked.iter().rposition(answered);
        let full = self.asked.iter().take(LARGE).find_map(|asked| asked.round_trip);
        let skipped = if full.is_some() { 0 } else { LARGE };
        // One that may still be answered is not lost yet.
        let is_known = |(number, asked): &(usize, &Asked)| {
            Some(*number) <= last || now - asked.at >= self.manner.patience
        };
        let known = self.asked.iter().enumerate().skip(skipped).filter(is_known);
        let tries = known.map(|(_, asked)| asked.round_trip).collect();
        Told { word: self.word, full, tries }
    }
}
