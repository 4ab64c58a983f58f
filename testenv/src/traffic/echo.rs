//! Who a UDP server sees: what a NAT made of a socket.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use super::{PORT, Place};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// What a lab that ends says to its own servers.
const END: &[u8] = b"end";

/// Answers every packet with the address that it came from.
pub(super) fn serve(place: &Place<'_>) {
    let socket = place
        .namespace
        .run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)))
        .expect("a UDP socket");
    let ours = socket.try_clone().expect("a second handle of a socket");
    place.lab.at_the_end(move || {
        let _ = ours.send_to(END, (Ipv4Addr::LOCALHOST, PORT));
    });
    std::thread::spawn(move || {
        let mut packet = [0; 16];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            if &packet[..length] == END {
                break;
            }
            // Whoever asks may be unreachable by now.
            let _ = socket.send_to(from.to_string().as_bytes(), from);
        }
    });
}

/// Asks each server from one socket whom it sees; none where it does not answer.
pub(super) fn seen_by(place: &Place<'_>, servers: &[IpAddr]) -> Vec<Option<SocketAddr>> {
    let servers = servers.to_vec();
    place.namespace.run(move || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a UDP socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        servers.iter().map(|server| ask(&socket, *server)).collect()
    })
}

fn ask(socket: &UdpSocket, server: IpAddr) -> Option<SocketAddr> {
    socket.send_to(b"who", (server, PORT)).ok()?;
    let mut answer = [0; 64];
    let (length, _) = socket.recv_from(&mut answer).ok()?;
    std::str::from_utf8(&answer[..length]).ok()?.parse().ok()
}
