//! The server: tells the client's address, then sends what was asked for.
//!
//! The client says one byte: `f` for a fetch, `t` for a transfer, `b` for a brisk one. The answer is a line with
//! the client's address as it was seen here, then the payload.

use std::io::{self, Read, Write};
use std::net::{Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::{PORT, Place};
use crate::lab::Inner;

/// What a fetch carries: enough to need full-size packets.
pub(super) const PAYLOAD: usize = 64 * 1024;
/// What a transfer sends at once, and how long it rests before: a brisk one 65 Mbit/s.
const CHUNK: [u8; 4096] = [b'x'; 4096];
static BRISK: [u8; 20 * CHUNK.len()] = [b'x'; 20 * CHUNK.len()];
const REST: Duration = Duration::from_millis(10);
/// When a client that takes nothing is given up.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn serve(place: &Place<'_>) {
    let listener = place
        .namespace
        .run(|| TcpListener::bind((Ipv6Addr::UNSPECIFIED, PORT)))
        .expect("a listening socket");
    place.lab.close_at_the_end(&listener);
    let lab = Arc::clone(place.lab);
    place.namespace.thread(move || {
        for client in listener.incoming() {
            let (Ok(client), lab) = (client, Arc::clone(&lab)) else { break };
            std::thread::spawn(move || answer(&client, &lab));
        }
    });
}

/// A client that goes away is no news.
fn answer(client: &TcpStream, lab: &Inner) {
    let _ = try_answer(client, lab);
    let _ = client.shutdown(Shutdown::Both);
}

fn try_answer(mut client: &TcpStream, lab: &Inner) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut wish = [0];
    client.read_exact(&mut wish)?;
    writeln!(client, "{}", client.peer_addr()?.ip().to_canonical())?;
    if wish == *b"f" {
        return client.write_all(&[b'x'; PAYLOAD]);
    }
    let chunk: &[u8] = if wish == *b"b" { &BRISK } else { &CHUNK };
    while !lab.is_over_within(REST) {
        client.write_all(chunk)?;
    }
    Ok(())
}
