//! A netlink socket that listens to multicast groups.

use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with, sockopt,
};
use socket2::{SockFilter, SockRef};
use tokio::io::unix::AsyncFd;

use super::message;
use crate::kernel;

/// `RTNLGRP_*` of `linux/rtnetlink.h`: links, addresses, routes, rules and netconf.
const ROUTING_GROUPS: [u32; 9] = [1, 5, 7, 8, 9, 11, 19, 24, 25];
/// `NFNLGRP_NFTABLES` of `linux/netfilter/nfnetlink.h`.
const NFTABLES_GROUP: u32 = 7;

/// What the kernel keeps until we read it, in bytes: some thousand messages. The kernel counts
/// what they take in its own memory, and only while they wait.
const BACKLOG: usize = 2 << 20;
/// The kernel makes no larger message for a group.
const LARGEST: usize = 32 << 10;

/// A socket that listens.
#[derive(Debug)]
pub(super) struct Socket {
    file: AsyncFd<OwnedFd>,
    buffer: Vec<u8>,
}

/// How a read went.
pub(super) enum Heard {
    /// A datagram was handed over.
    Datagram,
    /// Some were lost; the rest was thrown away.
    TooMuch,
}

impl Socket {
    /// Of links, addresses, rules and forwarding, and of the routes of these tables.
    pub(super) fn routing(tables: &[u32]) -> io::Result<Self> {
        let file = socket(None)?;
        SockRef::from(&file).attach_filter(&only_routes_of(tables))?;
        Self::listen(file, &ROUTING_GROUPS)
    }

    /// Of nftables; none where the kernel has no netfilter.
    pub(super) fn firewall() -> io::Result<Option<Self>> {
        match socket(Some(NETFILTER)) {
            Err(Errno::PROTONOSUPPORT) => Ok(None),
            file => Self::listen(file?, &[NFTABLES_GROUP]).map(Some),
        }
    }

    fn listen(file: OwnedFd, groups: &[u32]) -> io::Result<Self> {
        sockopt::set_socket_recv_buffer_size_force(&file, BACKLOG)?;
        let groups = groups.iter().fold(0, |all, group| all | 1 << (group - 1));
        bind(&file, &SocketAddrNetlink::new(0, groups))?;
        Ok(Socket { file: kernel::watch(file)?, buffer: vec![0; LARGEST] })
    }

    /// Reads one datagram and hands it over. Where the kernel had to drop some, it may drop
    /// more until all that waits is read: throws that away first, so that a look afterwards
    /// sees what was lost, and what follows is told.
    pub(super) fn read(
        &mut self,
        context: &mut Context<'_>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<Heard>> {
        loop {
            let mut ready = ready!(self.file.poll_read_ready(context))?;
            let got = ready.try_io(|file| Ok(receive(file.get_ref(), &mut self.buffer)?));
            return Poll::Ready(match got {
                Err(_nothing_there) => continue,
                Ok(Ok(length)) if length <= self.buffer.len() => {
                    take(self.buffer.get(..length).unwrap_or_default());
                    Ok(Heard::Datagram)
                }
                Ok(Ok(_cut_short)) => self.throw_away(),
                Ok(Err(error)) if is(&error, Errno::NOBUFS) => self.throw_away(),
                Ok(Err(error)) if is(&error, Errno::INTR) => continue,
                Ok(Err(error)) => Err(error),
            });
        }
    }

    fn throw_away(&mut self) -> io::Result<Heard> {
        loop {
            match receive(self.file.get_ref(), &mut self.buffer) {
                Ok(_) | Err(Errno::NOBUFS | Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(Heard::TooMuch),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

fn socket(protocol: Option<Protocol>) -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)
}

/// The length of the datagram, which is more than the buffer's where it was cut short.
fn receive(file: &OwnedFd, buffer: &mut [u8]) -> rustix::io::Result<usize> {
    recv(file, buffer, RecvFlags::TRUNC).map(|(_, length)| length)
}

/// A classic BPF program that lets everything through but routes of other tables. Tables above
/// 255 all look like `RT_TABLE_COMPAT` to it.
fn only_routes_of(tables: &[u32]) -> Vec<SockFilter> {
    const LOAD_HALF_WORD: u16 = 0x28;
    const LOAD_BYTE: u16 = 0x30;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const COMPAT: u8 = 252;

    // It loads in network order what netlink has in the machine's.
    let kind = |kind: u16| u32::from(u16::from_be_bytes(kind.to_ne_bytes()));
    let mut wanted: Vec<u8> =
        tables.iter().map(|table| u8::try_from(*table).unwrap_or(COMPAT)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let count = u8::try_from(wanted.len()).unwrap_or(u8::MAX);
    let mut program = vec![
        SockFilter::new(LOAD_HALF_WORD, 0, 0, message::KIND_OFFSET),
        SockFilter::new(JUMP_IF_EQUAL, 1, 0, kind(message::NEW_ROUTE)),
        SockFilter::new(JUMP_IF_EQUAL, 0, count + 2, kind(message::DELETE_ROUTE)),
        SockFilter::new(LOAD_BYTE, 0, 0, message::ROUTE_TABLE_OFFSET),
    ];
    let to_accept = (1..=count).rev();
    program.extend(
        wanted.iter().zip(to_accept).map(|(table, distance)| {
            SockFilter::new(JUMP_IF_EQUAL, distance, 0, u32::from(*table))
        }),
    );
    program.push(SockFilter::new(RETURN, 0, 0, 0));
    program.push(SockFilter::new(RETURN, 0, 0, u32::MAX));
    program
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Host};

    #[test]
    fn the_kernel_keeps_routes_of_other_tables_to_itself() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        host.sh("ip link add vpn0 type bridge; ip link set vpn0 up");
        let told = host.block_on(async || {
            let mut socket = Socket::routing(&[52, 254]).unwrap();
            for table in [51, 52, 53, 254, 7120, 52] {
                host.sh(&format!(
                    "ip route add 10.1.0.0/24 dev vpn0 table {table}
                                  ip route del 10.1.0.0/24 dev vpn0 table {table}"
                ));
            }
            host.sh("ip rule add priority 9 lookup 52");
            tables_until_a_rule_comes(&mut socket).await
        });
        assert_eq!(told, [52, 52, 254, 254, 52, 52]);
    }

    async fn tables_until_a_rule_comes(socket: &mut Socket) -> Vec<u8> {
        const NEW_RULE: u16 = 32;
        let (mut tables, mut is_last) = (Vec::new(), false);
        let mut take = |datagram: &[u8]| {
            for one in message::messages(datagram) {
                is_last |= one.kind == NEW_RULE;
                let is_route = [message::NEW_ROUTE, message::DELETE_ROUTE].contains(&one.kind);
                tables.extend(is_route.then(|| one.byte(4).unwrap()));
            }
            is_last
        };
        let mut ended = false;
        while !ended {
            let mut take = |datagram: &[u8]| ended = take(datagram);
            std::future::poll_fn(|context| socket.read(context, &mut take)).await.unwrap();
        }
        tables
    }
}
