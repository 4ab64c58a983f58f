//! Echo requests of exact size from inside a network namespace, and what comes back.

mod packet;
mod socket;

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::family::Family;
use crate::namespace::Namespace;
use socket::Socket;

/// A size that every path carries, in bytes.
pub const SMALL: u16 = 64;
/// The discard service: a port to name where none is used.
const DISCARD: u16 = 9;

/// One echo request, never fragmented on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// The own address that it is sent from, of the target's family.
    pub source: IpAddr,
    /// Where to.
    pub target: IpAddr,
    /// The whole IP packet's size in bytes, its header counted. Never less than the two
    /// headers (28 for IPv4, 48 for IPv6).
    pub size: u16,
    /// How many hops it may take.
    pub hop_limit: u8,
    /// How long to wait for an answer.
    pub deadline: Duration,
}

impl Echo {
    /// An echo request of this size that may take 64 hops and a second.
    pub fn new(source: IpAddr, target: IpAddr, size: u16) -> Self {
        Echo { source, target, size, hop_limit: 64, deadline: Duration::from_secs(1) }
    }

    /// The same, with another hop limit (IPv4: time to live).
    #[must_use]
    pub fn hop_limit(mut self, hops: u8) -> Self {
        self.hop_limit = hops;
        self
    }

    /// The same, with another deadline.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

/// What came of an echo request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The target answered.
    Reply {
        /// From sending to receiving.
        rtt: Duration,
    },
    /// Its hops were used up at this router.
    TimeExceeded {
        /// The router.
        from: IpAddr,
    },
    /// Somebody said that the target cannot be reached.
    Unreachable {
        /// Who said so.
        from: IpAddr,
        /// Why.
        reason: Reason,
    },
    /// A router has a smaller MTU ahead, and said so.
    PacketTooBig {
        /// The router.
        from: IpAddr,
        /// Its MTU, in bytes.
        mtu: u32,
    },
    /// The own interface has a smaller MTU; nothing was sent.
    LocalTooBig,
    /// The own kernel refused to send it.
    NotSent {
        /// What it said.
        why: String,
    },
    /// Nothing came back before the deadline.
    Silence,
}

impl Outcome {
    /// Whether the target answered.
    pub fn is_reply(&self) -> bool {
        matches!(self, Outcome::Reply { .. })
    }

    /// How long the answer took.
    pub fn round_trip(&self) -> Option<Duration> {
        if let Outcome::Reply { rtt } = self { Some(*rtt) } else { None }
    }
}

/// Why a target cannot be reached (RFC 792 and 1812, RFC 4443).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A router has no route.
    NoRoute,
    /// Nobody on the last link has the address.
    NoSuchHost,
    /// A firewall said no.
    Prohibited,
    /// Something else: the ICMP code.
    Other(u8),
}

/// Sends echo requests, many at once, through one raw socket for each family.
#[derive(Debug)]
pub struct Pinger {
    ipv4: Option<Socket>,
    ipv6: Option<Socket>,
}

impl Pinger {
    /// Opens the sockets inside `namespace`. Needs a tokio runtime, and `CAP_NET_RAW`.
    pub fn open_in(namespace: &Namespace) -> Result<Self> {
        let runtime = tokio::runtime::Handle::current();
        namespace.run(|| {
            let _entered = runtime.enter();
            Self::open()
        })?
    }

    /// Opens the sockets in the namespace of the calling thread. A family that this kernel
    /// does not have is no error: its echoes are [`Outcome::NotSent`].
    pub fn open() -> Result<Self> {
        Ok(Pinger { ipv4: Socket::open(Family::Ipv4)?, ipv6: Socket::open(Family::Ipv6)? })
    }

    /// Sends one echo request and waits for what comes of it. May be called many times at
    /// once; dropping the future forgets the request.
    pub async fn echo(&self, echo: Echo) -> Outcome {
        let family = Family::from(echo.target);
        let socket = match family {
            Family::Ipv4 => &self.ipv4,
            Family::Ipv6 => &self.ipv6,
        };
        let Some(socket) = socket else {
            return Outcome::NotSent { why: format!("this kernel has no {family}") };
        };
        let waiting = socket.expect_answer(echo.target);
        let sent = std::time::Instant::now();
        if let Err(error) = socket.send(&echo, waiting.sequence).await {
            return refused(&error);
        }
        match tokio::time::timeout(echo.deadline, waiting.answer()).await {
            Ok(packet::Answer::Reply) => Outcome::Reply { rtt: sent.elapsed() },
            Ok(packet::Answer::Error(outcome)) => outcome,
            Err(_late) => Outcome::Silence,
        }
    }
}

/// Whether any of these addresses answers an echo request from this namespace in time.
/// Returns at the first answer. An address that cannot be reached from here does not answer.
pub async fn any_answers(targets: &[IpAddr], deadline: Duration) -> Result<bool> {
    let pinger = Pinger::open()?;
    let asked = targets.iter().filter_map(|target| {
        let source = source_toward(*target).ok()?;
        Some(pinger.echo(Echo::new(source, *target, SMALL).deadline(deadline)))
    });
    let answers: FuturesUnordered<_> = asked.collect();
    Ok(answers.any(async |outcome| outcome.is_reply()).await)
}

/// The own address that the kernel would send from. Sends nothing.
fn source_toward(target: IpAddr) -> io::Result<IpAddr> {
    let socket = UdpSocket::bind((Family::from(target).any(), 0))?;
    socket.connect((target, DISCARD))?;
    Ok(socket.local_addr()?.ip())
}

fn refused(error: &io::Error) -> Outcome {
    if error.raw_os_error() == Some(rustix::io::Errno::MSGSIZE.raw_os_error()) {
        Outcome::LocalTooBig
    } else {
        Outcome::NotSent { why: error.to_string() }
    }
}

#[cfg(test)]
mod tests;
