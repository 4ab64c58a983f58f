//! The generation of nftables' rules: each transaction has its own, so that whoever has looked
//! need not look again before it changes. The kernel tells it in microseconds.

use std::os::fd::OwnedFd;

use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};

use crate::error::{Cannot, Result};
use crate::monitor::message::messages;

/// `NFT_MSG_NEWGEN` and `NFT_MSG_GETGEN` of `linux/netfilter/nf_tables.h`, with
/// `NFNL_SUBSYS_NFTABLES` in the upper byte.
const NEW: u16 = (10 << 8) | 15;
const GET: u16 = (10 << 8) | 16;
/// `NLM_F_REQUEST` of `linux/netlink.h`.
const REQUEST: u16 = 1;
/// `struct nfgenmsg`.
const HEADER: usize = 4;

/// Which state of the rules this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation(u32);

/// The generation of now, of the network namespace of the calling thread.
pub fn generation() -> Result<Generation> {
    let what = || "ask nftables for its generation".to_owned();
    let answer = ask().cannot(what)?;
    let told = messages(&answer).find(|message| message.kind == NEW);
    let id = told.and_then(|message| message.attribute(HEADER, 1)?.first_chunk().copied());
    let refused = || std::io::Error::other("the kernel does not tell it");
    id.map(|id| Generation(u32::from_be_bytes(id))).ok_or_else(refused).cannot(what)
}

/// The kernel has answered when the sending returns.
fn ask() -> std::io::Result<Vec<u8>> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket: OwnedFd =
        socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(NETFILTER))?;
    sendto(&socket, &request(), SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = vec![0; 4096];
    let (length, _) = recv(&socket, answer.as_mut_slice(), RecvFlags::empty())?;
    answer.truncate(length);
    Ok(answer)
}

/// `struct nlmsghdr`, then `struct nfgenmsg`.
fn request() -> Vec<u8> {
    const LENGTH: u32 = 20;
    [&LENGTH.to_ne_bytes()[..], &GET.to_ne_bytes(), &REQUEST.to_ne_bytes(), &[0; 8 + HEADER]]
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Host};

    #[test]
    fn each_transaction_has_its_own() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        let now = || host.block_on(async || generation().unwrap());
        let first = now();
        assert_eq!(now(), first);
        host.sh("nft add table ip it");
        assert_ne!(now(), first);
    }
}
