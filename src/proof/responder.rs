//! Tells the nodes of this cluster who answers in its canary, and which source address that
//! sees: so that two clusters in one network never take each other for one.

mod heard;
mod key;
mod message;
mod socket;
mod throttle;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;
use std::{fs, io};

use futures_util::future::select_all;
use linux::{Error, Namespace, Result};
use tokio::net::UdpSocket;

pub use heard::Heard;
pub use key::{ClusterKey, KeyId};
pub use message::Identity;
pub(super) use message::{Nonce, SHORTEST, Said, question, read};
use message::{Reply, reply};
pub(super) use socket::udp;
use throttle::Throttle;

/// Where responders listen, in a canary's own namespace. Below the ports that the kernel gives
/// out (32768) and those of Kubernetes' node ports (30000), and none that a VPN or a CNI uses.
pub const RESPONDER_PORT: u16 = 17_842;

/// No datagram is longer.
pub(super) const LONGEST: usize = 65_536;

/// Answers in a canary, one socket for each of its addresses.
#[derive(Debug)]
pub struct Responder {
    sockets: Vec<UdpSocket>,
    identity: Identity,
    heard: Heard,
}

impl Responder {
    /// Listens in the canary that is pinned at this path, at these addresses of its own. Needs
    /// a tokio runtime.
    ///
    /// # Errors
    /// No canary there, an address that is not its own, or another responder at work.
    pub fn open(canary: &Path, addresses: &[IpAddr], identity: Identity) -> Result<Self> {
        let at = |address: &IpAddr| SocketAddr::new(*address, RESPONDER_PORT);
        let listen: Vec<_> = addresses.iter().map(at).collect();
        let opened = udp(Some(&Namespace::open(canary)?), &listen)?;
        let named = opened.into_iter().zip(listen).map(|(socket, at)| {
            socket.map_err(|cause| Error::Kernel { what: format!("answer at {at}"), cause })
        });
        Ok(Responder { sockets: named.collect::<Result<_>>()?, identity, heard: Heard::default() })
    }

    /// The same, telling who asks it.
    #[must_use]
    pub fn telling(self, heard: Heard) -> Self {
        Responder { heard, ..self }
    }

    /// Answers for ever.
    ///
    /// # Errors
    /// Where a socket breaks.
    pub async fn serve(self) -> io::Result<Infallible> {
        let Responder { sockets, identity, heard } = &self;
        if sockets.is_empty() {
            return std::future::pending().await;
        }
        let served = sockets.iter().map(|socket| Box::pin(serve(socket, identity, heard)));
        select_all(served).await.0
    }
}

/// The place of a responder: a canary that was made anew needs another one, although its path
/// is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    device: u64,
    inode: u64,
}

impl Seat {
    /// The place in the canary that is pinned at this path; none where there is none.
    pub fn at(canary: &Path) -> Option<Self> {
        let pinned = fs::metadata(canary).ok().filter(|_| Namespace::is_pinned(canary))?;
        Some(Seat { device: pinned.dev(), inode: pinned.ino() })
    }
}

async fn serve(socket: &UdpSocket, own: &Identity, heard: &Heard) -> io::Result<Infallible> {
    let mut throttle = Throttle::new(Instant::now());
    let mut buffer = vec![0; LONGEST];
    loop {
        let (length, source) = socket.recv_from(&mut buffer).await?;
        let now = Instant::now();
        if let Some(reply) = buffer.get(..length).and_then(|asked| reply(asked, source, own))
            && throttle.admits(source.ip(), now)
        {
            send(socket, source, reply, heard).await;
        }
        if let Some(pause) = throttle.pause(now) {
            tokio::time::sleep(pause).await;
        }
    }
}

async fn send(socket: &UdpSocket, source: SocketAddr, reply: Reply, heard: &Heard) {
    let datagram = match reply {
        Reply::Answer(answer) => {
            heard.hear(source.ip(), Instant::now());
            answer
        }
        Reply::Stranger(stranger) => stranger,
    };
    // A question that was larger than the way back carries has no answer.
    if let Err(error) = socket.send_to(&datagram, source).await {
        tracing::debug!(%error, %source, "cannot answer");
    }
}
