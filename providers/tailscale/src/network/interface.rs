//! The interface that carries the node's addresses.

use std::net::IpAddr;

use linux::Netlink;
use linux::link::Link;
use provider_api::{Error, ErrorKind, Result};

/// The interface that carries most of these addresses; none where no interface has any. A
/// kernel whose IPv6 is off takes the IPv4 address alone.
pub(super) async fn carrying(addresses: &[IpAddr]) -> Result<Option<Link>> {
    Netlink::open().map_err(kernel)?.link_carrying(addresses).await.map_err(kernel)
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
    fn a_family_that_is_not_there_is_missed() {
        let addresses = ["100.64.0.7", "fd7a:115c:a1e0::7"].map(|text| text.parse().unwrap());
        let both = link("tailscale0", &["100.64.0.7/32", "fd7a:115c:a1e0::7/128"]);
        let one = link("tailscale0", &["100.64.0.7/32"]);
        assert_eq!(missing(&one, &addresses), addresses[1..]);
        assert!(missing(&both, &addresses).is_empty());
    }
}
