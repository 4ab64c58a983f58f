//! The interface that carries the node's addresses.

use std::net::IpAddr;

use linux::Netlink;
use linux::link::{Link, LinkChange};
use linux::sysctl;
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

/// Those of these addresses that the interface carries.
pub(super) fn carried(link: Option<&Link>, addresses: &[IpAddr]) -> Vec<IpAddr> {
    let is_carried = |address: &IpAddr| link.is_some_and(|link| link.has_address(*address));
    addresses.iter().copied().filter(is_carried).collect()
}

/// What sets the interface up with these addresses, as far as its kernel has their families.
pub(super) fn raising(link: &Link, addresses: &[IpAddr]) -> Vec<LinkChange> {
    let off = sysctl::read(&format!("net/ipv6/conf/{}/disable_ipv6", link.name));
    raised(link, addresses, off.is_ok_and(|off| off == "0"))
}

fn raised(link: &Link, addresses: &[IpAddr], has_ipv6: bool) -> Vec<LinkChange> {
    let name = || link.name.clone();
    let up = (!link.up).then(|| LinkChange::SetUp { name: name() });
    let missing = missing(link, addresses).into_iter();
    let back = missing.filter(|address| address.is_ipv4() || has_ipv6);
    let add = back.map(|address| LinkChange::AddAddress { name: name(), address: address.into() });
    up.into_iter().chain(add).collect()
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
pub(super) mod tests {
    use super::*;

    pub(in crate::network) fn link(name: &str, addresses: &[&str]) -> Link {
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

    #[test]
    fn an_interface_that_is_whole_is_left_alone() {
        let addresses = ["100.64.0.1", "fd7a:115c:a1e0::1"].map(|text| text.parse().unwrap());
        let mut link = link("tailscale0", &["100.64.0.1/32"]);
        assert!(raised(&link, &addresses[..1], true).is_empty());
        assert!(raised(&link, &addresses, false).is_empty());
        link.up = false;
        let raised = raised(&link, &addresses, true);
        let told: Vec<String> = raised.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["set tailscale0 up", "add address fd7a:115c:a1e0::1/128 to tailscale0"]);
    }
}
