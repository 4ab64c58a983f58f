//! The interface that carries the node's addresses.

use std::net::IpAddr;

use linux::Netlink;
use linux::link::Link;
use provider_api::{Error, ErrorKind, Result};

/// The interface that carries all of these addresses; none while one is missing.
pub(super) async fn carrying(addresses: &[IpAddr]) -> Result<Option<Link>> {
    let links = Netlink::open().map_err(kernel)?.links().await.map_err(kernel)?;
    Ok(find(links, addresses))
}

fn find(links: Vec<Link>, addresses: &[IpAddr]) -> Option<Link> {
    if addresses.is_empty() {
        return None;
    }
    links.into_iter().find(|link| addresses.iter().all(|address| link.has_address(*address)))
}

/// What the kernel refused, as an error of the contract.
pub(crate) fn kernel(error: linux::Error) -> Error {
    let text = error.to_string();
    if error.is_permission() {
        return Error::new(ErrorKind::Denied, "kernel-denied", text).fix("run moorline as root");
    }
    if error.is_missing_program() {
        return Error::new(ErrorKind::Unsupported, "program-missing", text)
            .fix("apt-get install nftables");
    }
    Error::bug(text)
}
