//! UDP sockets inside a canary, served from outside of it.

use std::io;
use std::net::{SocketAddr, UdpSocket as Opened};

use linux::{Namespace, Result};
use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
use tokio::net::UdpSocket;

/// A socket at each of these addresses, in a namespace or in the one of this thread. What they
/// send is never fragmented, whatever was learned of the path. Needs a tokio runtime.
pub(in crate::proof) fn udp(
    namespace: Option<&Namespace>,
    addresses: &[SocketAddr],
) -> Result<Vec<io::Result<UdpSocket>>> {
    let open = || addresses.iter().map(|address| bind(*address)).collect::<Vec<_>>();
    let opened = match namespace {
        Some(namespace) => namespace.run(open)?,
        None => open(),
    };
    Ok(opened.into_iter().map(|socket| socket.and_then(UdpSocket::from_std)).collect())
}

fn bind(address: SocketAddr) -> io::Result<Opened> {
    let socket = Opened::bind(address)?;
    socket.set_nonblocking(true)?;
    match address {
        SocketAddr::V4(_) => sockopt::set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::PROBE)?,
        SocketAddr::V6(_) => sockopt::set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::PROBE)?,
    }
    Ok(socket)
}
