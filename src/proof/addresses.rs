//! The reserved addresses of a pod CIDR: its first is the gateway, its second the canary.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use linux::{Error, Result};

/// Room for the network's own address, the gateway, the canary, pods, and IPv4's broadcast.
const FEWEST_HOST_BITS: u8 = 3;

/// The bridge's address: the first of the pod CIDR, with its prefix length.
///
/// # Errors
/// A pod CIDR too small to hold the gateway, the canary and pods.
pub fn gateway(pod_cidr: IpNet) -> Result<IpNet> {
    reserved(pod_cidr, 1)
}

/// The canary's address: the second of the pod CIDR, with its prefix length.
///
/// # Errors
/// A pod CIDR too small to hold the gateway, the canary and pods.
pub fn canary(pod_cidr: IpNet) -> Result<IpNet> {
    reserved(pod_cidr, 2)
}

fn reserved(pod_cidr: IpNet, nth: u32) -> Result<IpNet> {
    let host_bits = pod_cidr.max_prefix_len() - pod_cidr.prefix_len();
    let address = match pod_cidr.network() {
        IpAddr::V4(network) => IpAddr::from(Ipv4Addr::from_bits(network.to_bits() | nth)),
        IpAddr::V6(network) => {
            IpAddr::from(Ipv6Addr::from_bits(network.to_bits() | u128::from(nth)))
        }
    };
    match IpNet::new(address, pod_cidr.prefix_len()) {
        Ok(address) if host_bits >= FEWEST_HOST_BITS => Ok(address),
        _ => Err(too_small(pod_cidr)),
    }
}

fn too_small(pod_cidr: IpNet) -> Error {
    let largest = pod_cidr.max_prefix_len() - FEWEST_HOST_BITS;
    Error::InTheWay {
        what: format!("reserve the addresses of the gateway and the canary in {pod_cidr}"),
        why: format!("a pod CIDR must be /{largest} or larger"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_two_addresses_are_reserved() {
        assert_eq!(gateway(net("10.42.3.0/24")).unwrap(), net("10.42.3.1/24"));
        assert_eq!(canary(net("10.42.3.0/24")).unwrap(), net("10.42.3.2/24"));
        assert_eq!(gateway(net("2001:cafe:42:3::/64")).unwrap(), net("2001:cafe:42:3::1/64"));
        assert_eq!(canary(net("2001:cafe:42:3::/64")).unwrap(), net("2001:cafe:42:3::2/64"));
        assert_eq!(canary(net("10.42.3.77/24")).unwrap(), net("10.42.3.2/24"));
    }

    #[test]
    fn a_pod_cidr_without_room_is_an_error() {
        assert!(canary(net("10.42.3.8/29")).is_ok());
        for small in ["10.42.3.8/30", "10.42.3.9/32", "2001:cafe:42::/126", "2001:cafe::/128"] {
            let error = canary(net(small)).unwrap_err().to_string();
            assert!(error.contains(small) && error.contains("or larger"), "{error}");
        }
    }
}
