//! What a daemon is asked, word for word.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use testenv::{Host, Tailscaled};

/// A socket in front of a daemon's own, that hands everything on and notes what is asked.
pub(crate) struct Wire {
    own: PathBuf,
    socket: PathBuf,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Wire {
    pub(crate) fn before(host: &Host, tailscaled: &Tailscaled) -> Wire {
        let (own, socket) = (tailscaled.socket(), host.folder().join("run/wire.sock"));
        let listener = UnixListener::bind(&socket).expect("a socket");
        let heard = Arc::<Mutex<Vec<u8>>>::default();
        let (notes, daemon) = (Arc::clone(&heard), own.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (notes, daemon) = (Arc::clone(&notes), daemon.clone());
                // A client or a daemon that goes away ends its connection, and no more.
                std::thread::spawn(move || hand_on(&client, &daemon, &notes));
            }
        });
        Wire { own, socket, heard }
    }

    /// The same `--vpn-auth`, by way of here.
    pub(crate) fn instead(&self, vpn_auth: &str) -> String {
        let [own, socket] = [&self.own, &self.socket].map(|path| path.display().to_string());
        assert!(vpn_auth.contains(&own), "no {own} in {vpn_auth}");
        vpn_auth.replace(&own, &socket)
    }

    /// The requests since this was last asked that can change something, each as `PATCH prefs`.
    pub(crate) fn writes(&self) -> Vec<String> {
        let heard = std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&heard)
            .lines()
            .filter_map(request)
            .filter(|it| writes(it))
            .collect()
    }
}

/// What the daemon takes a POST for, and only answers.
const QUESTIONS: [&str; 2] = ["POST check-prefs", "POST debug-packet-filter-rules"];

fn writes(request: &str) -> bool {
    !request.starts_with("GET ") && !QUESTIONS.contains(&request)
}

/// The request that this line begins. It may stand right behind the body of another one.
fn request(line: &str) -> Option<String> {
    let (before, path) = line.strip_suffix(" HTTP/1.1")?.split_once(" /localapi/v0/")?;
    let body = before.trim_end_matches(|letter: char| letter.is_ascii_uppercase());
    Some(format!("{} {path}", &before[body.len()..]))
}

fn hand_on(client: &UnixStream, daemon: &Path, notes: &Mutex<Vec<u8>>) -> io::Result<()> {
    let daemon = UnixStream::connect(daemon)?;
    let (mut answers, mut back) = (daemon.try_clone()?, client.try_clone()?);
    let answering = std::thread::spawn(move || {
        // Whoever asked may be gone by now.
        let _ = io::copy(&mut answers, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    let asked = ask(client, &daemon, notes);
    daemon.shutdown(Shutdown::Both)?;
    answering.join().expect("a copying thread");
    asked
}

fn ask(mut client: &UnixStream, mut daemon: &UnixStream, notes: &Mutex<Vec<u8>>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let length = client.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let asked = &buffer[..length];
        notes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(asked);
        daemon.write_all(asked)?;
    }
}
