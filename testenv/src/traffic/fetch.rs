//! A small transfer, and whom the server saw.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use super::serve::PAYLOAD;
use super::{PORT, Place};

/// How long connecting, and each piece of the payload, may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a fetch went.
#[derive(Debug)]
pub struct Fetch {
    from: IpAddr,
    seen: io::Result<IpAddr>,
}

impl Fetch {
    /// The client's address, as the server saw it.
    ///
    /// # Panics
    /// Where the fetch failed, with the reason.
    pub fn from_address(&self) -> IpAddr {
        match &self.seen {
            Ok(address) => *address,
            Err(error) => panic!("fetching from {}: {error}", self.from),
        }
    }

    /// The same, without a panic: for [`until`](crate::until()).
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn seen(&self) -> Result<IpAddr, String> {
        self.seen.as_ref().copied().map_err(|error| format!("from {}: {error}", self.from))
    }

    /// Whether all of the payload arrived.
    pub fn is_complete(&self) -> bool {
        self.seen.is_ok()
    }
}

pub(super) fn fetch(place: &Place<'_>, from: IpAddr) -> Fetch {
    let job = place.namespace.thread(move || try_fetch(from));
    Fetch { from, seen: job.join().expect("a fetching thread") }
}

fn try_fetch(from: IpAddr) -> io::Result<IpAddr> {
    let mut stream = wish(from, b"f", PATIENCE)?;
    let address = read_address(&mut stream)?;
    let mut payload = Vec::with_capacity(PAYLOAD);
    stream.read_to_end(&mut payload)?;
    if payload.len() == PAYLOAD {
        Ok(address)
    } else {
        Err(io::Error::other(format!("{} bytes of {PAYLOAD} arrived", payload.len())))
    }
}

/// Connects, and says what is wanted.
pub(super) fn wish(
    from: IpAddr,
    what: &[u8; 1],
    patience: Duration,
) -> io::Result<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::new(from, PORT), PATIENCE)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(what)?;
    Ok(BufReader::new(stream))
}

/// Reads the line in which the server says whom it saw.
pub(super) fn read_address(stream: &mut BufReader<TcpStream>) -> io::Result<IpAddr> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    line.trim().parse().map_err(|_| io::Error::other(format!("no address: {line:?}")))
}
