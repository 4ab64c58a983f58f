//! A transfer that goes on while other things happen.

use std::io::{self, Read};
use std::net::{IpAddr, Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Place, fetch};
use crate::lab::lock;
use crate::until;

/// When a silent connection is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running transfer. Dropping it ends it.
pub struct Transfer {
    record: Arc<Mutex<Gaps>>,
    stream: TcpStream,
    reader: Option<JoinHandle<io::Result<()>>>,
}

/// When something arrived last, and how long nothing did.
#[derive(Debug, Clone)]
pub(super) struct Gaps {
    pub(super) count: u64,
    last: Instant,
    longest: Duration,
}

impl Gaps {
    pub(super) fn from_now() -> Gaps {
        Gaps { count: 0, last: Instant::now(), longest: Duration::ZERO }
    }

    pub(super) fn arrived(&mut self, count: u64) {
        self.longest = self.longest();
        self.last = Instant::now();
        self.count += count;
    }

    /// The longest gap, the one that still lasts included.
    pub(super) fn longest(&self) -> Duration {
        self.longest.max(self.last.elapsed())
    }
}

impl Transfer {
    pub(super) fn start(place: &Place<'_>, from: IpAddr, wish: &'static [u8; 1]) -> Transfer {
        let opened = place.namespace.thread(move || fetch::wish(from, wish, PATIENCE));
        let mut input = opened
            .join()
            .expect("a connecting thread")
            .unwrap_or_else(|error| panic!("a transfer from {from}: {error}"));
        fetch::read_address(&mut input).expect("the server's first line");
        let stream = input.get_ref().try_clone().expect("a second handle of a socket");
        let record = Arc::new(Mutex::new(Gaps::from_now()));
        let gaps = Arc::clone(&record);
        let reader = Some(std::thread::spawn(move || read_on(input, &gaps)));
        Transfer { record, stream, reader }
    }

    /// How many bytes have come.
    pub fn bytes(&self) -> u64 {
        lock(&self.record).count
    }

    /// The longest time in which nothing came, the present one included.
    pub fn longest_gap(&self) -> Duration {
        lock(&self.record).longest()
    }

    /// Whether the connection still stands.
    pub fn is_alive(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| !reader.is_finished())
    }

    /// Waits until so many more bytes have come.
    ///
    /// # Panics
    /// Where they do not come within the deadline.
    pub fn goes_on(&self, bytes: u64, deadline: Duration) {
        let wanted = self.bytes() + bytes;
        until("a transfer that goes on", deadline, || {
            let now = self.bytes();
            if now >= wanted { Ok(()) } else { Err(format!("{now} bytes of {wanted}")) }
        });
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn read_on(mut input: impl Read, gaps: &Mutex<Gaps>) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match input.read(&mut buffer)? {
            0 => return Ok(()),
            count => lock(gaps).arrived(count as u64),
        }
    }
}
