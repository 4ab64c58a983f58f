//! One raw socket, and the requests that wait for an answer on it.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
use rustix::net::{RecvFlags, SendFlags, recvfrom, sendto};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Echo;
use super::packet::{self, Answer, Heard};
use crate::error::{Cannot, Result};
use crate::family::Family;
use crate::kernel;

/// No packet is larger.
const LARGEST: usize = 65_536;

/// A raw socket and the task that reads from it, which ends with it.
#[derive(Debug)]
pub(super) struct Socket {
    file: Arc<AsyncFd<OwnedFd>>,
    waiting: Arc<Waiting>,
    identifier: u16,
    reader: JoinHandle<()>,
}

/// Requests under way, by sequence number.
#[derive(Debug, Default)]
struct Waiting(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    next: u16,
    requests: BTreeMap<u16, (IpAddr, oneshot::Sender<Answer>)>,
}

/// One request under way; dropping it forgets the request.
pub(super) struct Expected {
    pub(super) sequence: u16,
    waiting: Arc<Waiting>,
    answer: oneshot::Receiver<Answer>,
}

impl Socket {
    /// A socket; none where the kernel does not have the family.
    pub(super) fn open(family: Family) -> Result<Option<Self>> {
        let what = || format!("open a raw {family} socket for ICMP");
        let file = match raw(family) {
            Err(error) if error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error()) => {
                return Ok(None);
            }
            file => file.and_then(kernel::watch).cannot(what)?,
        };
        let (file, waiting) = (Arc::new(file), Arc::new(Waiting::default()));
        let identifier = identifier();
        let reader = tokio::spawn(read(Arc::clone(&file), Arc::clone(&waiting), identifier));
        Ok(Some(Socket { file, waiting, identifier, reader }))
    }

    pub(super) fn expect_answer(&self, target: IpAddr) -> Expected {
        let (sender, answer) = oneshot::channel();
        let sequence = self.waiting.lock().add(target, sender);
        Expected { sequence, waiting: Arc::clone(&self.waiting), answer }
    }

    pub(super) async fn send(&self, echo: &Echo, sequence: u16) -> io::Result<()> {
        let packet = packet::request(echo, self.identifier, sequence)
            .ok_or_else(|| io::Error::other("source and target are of different families"))?;
        let target = SocketAddr::new(echo.target, 0);
        let send = |file: &OwnedFd| Ok(sendto(file, &packet, SendFlags::empty(), &target)?);
        self.file.async_io(Interest::WRITABLE, send).await.map(drop)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Expected {
    pub(super) async fn answer(mut self) -> Answer {
        match (&mut self.answer).await {
            Ok(answer) => answer,
            // The reader ended: nothing will come.
            Err(_gone) => std::future::pending().await,
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.waiting.lock().requests.remove(&self.sequence);
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hand_over(&self, heard: Heard) {
        let mut table = self.lock();
        let ours = table.requests.get(&heard.sequence);
        if ours.is_some_and(|(target, _)| *target == heard.target)
            && let Some((_, sender)) = table.requests.remove(&heard.sequence)
        {
            // A request that was given up has no use for it.
            drop(sender.send(heard.answer));
        }
    }
}

impl Table {
    fn add(&mut self, target: IpAddr, sender: oneshot::Sender<Answer>) -> u16 {
        while self.requests.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let sequence = self.next;
        self.next = self.next.wrapping_add(1);
        self.requests.insert(sequence, (target, sender));
        sequence
    }
}

fn raw(family: Family) -> io::Result<OwnedFd> {
    use socket2::{Domain, Protocol, Socket, Type};
    let (domain, protocol) = match family {
        Family::Ipv4 => (Domain::IPV4, Protocol::ICMPV4),
        Family::Ipv6 => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
    socket.set_nonblocking(true)?;
    // What was learned of the path's MTU must not keep a probe from being sent.
    match family {
        Family::Ipv4 => {
            socket.set_header_included_v4(true)?;
            sockopt::set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::PROBE)?;
        }
        Family::Ipv6 => {
            socket.set_header_included_v6(true)?;
            sockopt::set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::PROBE)?;
        }
    }
    Ok(socket.into())
}

/// Tells our requests from those of others, also of a second socket in this process.
fn identifier() -> u16 {
    use std::hash::{BuildHasher, RandomState};
    let [high, low, ..] = RandomState::new().hash_one(std::process::id()).to_be_bytes();
    u16::from_be_bytes([high, low])
}

async fn read(file: Arc<AsyncFd<OwnedFd>>, waiting: Arc<Waiting>, identifier: u16) {
    let mut buffer = vec![0; LARGEST];
    loop {
        match file.async_io(Interest::READABLE, |file| receive(file, &mut buffer)).await {
            Ok(Some(heard)) if heard.identifier == identifier => waiting.hand_over(heard),
            Ok(_) => {}
            // Raw sockets report such things as a full queue once, and go on.
            Err(error) => tracing::debug!(%error, "reading from the ICMP socket"),
        }
    }
}

fn receive(file: &OwnedFd, buffer: &mut [u8]) -> io::Result<Option<Heard>> {
    let (length, _, from) = recvfrom(file, &mut *buffer, RecvFlags::empty())?;
    let packet = buffer.get(..length).unwrap_or_default();
    let from = from.and_then(|from| SocketAddr::try_from(from).ok());
    Ok(match from.map(|from| from.ip()) {
        Some(IpAddr::V4(_)) => packet::heard_ipv4(packet),
        Some(IpAddr::V6(from)) => packet::heard_ipv6(packet, from),
        None => None,
    })
}
