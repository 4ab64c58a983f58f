//! The interface that carries the node's addresses.

use std::net::IpAddr;

use linux::Netlink;
use linux::link::Link;
use provider_api::{Error, ErrorKind, Result};

/// The interface that carries most of these addresses; none where no interface has any. A
/// kernel whose IPv6 is off takes the IPv4 address alone.
pub(super) async fn carrying(addresses: &[IpAddr]) -> Result<Option<Link>> {
    Ok(find(all().await?, addresses))
}

/// Every interface.
pub(super) async fn all() -> Result<Vec<Link>> {
    Netlink::open().map_err(kernel)?.links().await.map_err(kernel)
}

/// The one of these that carries most of the addresses.
pub(super) fn find(links: Vec<Link>, addresses: &[IpAddr]) -> Option<Link> {
    let carried = |link: &Link| addresses.len() - missing(link, addresses).len();
    links.into_iter().filter(|link| carried(link) > 0).max_by_key(carried)
}

/// Those of these addresses that the interface does not carry.
pub(super) fn missing(link: &Link, addresses: &[IpAddr]) -> Vec<IpAddr> {
    addresses.iter().copied().filter(|address| !link.has_address(*address)).collect()
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
    match error {
        linux::Error::InTheWay { .. } => Error::new(ErrorKind::Conflict, "in-the-way", text),
        linux::Error::Kernel { .. }
        | linux::Error::MissingProgram { .. }
        | linux::Error::Program { .. } => Error::unavailable("kernel-refused", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str, addresses: &[&str]) -> Link {
        Link {
            index: 1,
            name: name.to_owned(),
            kind: None,
            mtu: 1280,
            up: true,
            master: None,
            peer: None,
            alias: None,
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn one_family_is_enough_and_the_other_is_missed() {
        let addresses = ["100.64.0.7", "fd7a:115c:a1e0::7"].map(|text| text.parse().unwrap());
        let lan = link("eth0", &["192.168.7.2/24"]);
        let both = link("tailscale0", &["100.64.0.7/32", "fd7a:115c:a1e0::7/128"]);
        let one = link("tailscale0", &["100.64.0.7/32"]);
        let found =
            |links: &[&Link]| find(links.iter().map(|&link| link.clone()).collect(), &addresses);
        assert_eq!(found(&[&lan, &both]), Some(both.clone()));
        assert_eq!(found(&[&one, &lan]), Some(one.clone()));
        assert_eq!(found(&[&lan]), None);
        assert_eq!(find(vec![both.clone()], &[]), None);
        assert_eq!(missing(&one, &addresses), addresses[1..]);
        assert!(missing(&both, &addresses).is_empty());
    }
}
