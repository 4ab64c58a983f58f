//! Echo requests as bytes, and what answers say (RFC 791, 792, 4443, 8200). Pure.
//!
//! The requests carry their own IP header: so the size is exact, the hop limit is each
//! packet's own, and the kernel never fragments them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Echo, Outcome, Reason};

const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const ICMP_HEADER: usize = 8;
const ICMPV6: u8 = 58;
const DONT_FRAGMENT: u8 = 0x40;

/// Something that was heard about one of our requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) identifier: u16,
    pub(super) sequence: u16,
    /// Where the request went.
    pub(super) target: IpAddr,
    pub(super) answer: Answer,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The target answered.
    Reply,
    /// Somebody on the way said why not.
    Error(Outcome),
}

/// The whole packet. Addresses of two families give none.
pub(super) fn request(echo: &Echo, identifier: u16, sequence: u16) -> Option<Vec<u8>> {
    match (echo.source, echo.target) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            let size = usize::from(echo.size).max(IPV4_HEADER + ICMP_HEADER);
            let icmp = icmp_request(8, size - IPV4_HEADER, identifier, sequence, 0);
            Some([ipv4_header(size, echo.hop_limit, source, target), icmp].concat())
        }
        (IpAddr::V6(source), IpAddr::V6(target)) => {
            let length = usize::from(echo.size).max(IPV6_HEADER + ICMP_HEADER) - IPV6_HEADER;
            let pseudo = pseudo_header_sum(source, target, length);
            let icmp = icmp_request(128, length, identifier, sequence, pseudo);
            Some([ipv6_header(length, echo.hop_limit, source, target), icmp].concat())
        }
        _ => None,
    }
}

/// The kernel fills in the header's checksum and identification.
fn ipv4_header(size: usize, hops: u8, source: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut header = vec![0; IPV4_HEADER];
    header[0] = 0x45;
    header[2..4].copy_from_slice(&length_bytes(size));
    header[6] = DONT_FRAGMENT;
    header[8] = hops;
    header[9] = 1;
    header[12..16].copy_from_slice(&source.octets());
    header[16..20].copy_from_slice(&target.octets());
    header
}

fn ipv6_header(length: usize, hops: u8, source: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let mut header = vec![0; IPV6_HEADER];
    header[0] = 0x60;
    header[4..6].copy_from_slice(&length_bytes(length));
    header[6] = ICMPV6;
    header[7] = hops;
    header[8..24].copy_from_slice(&source.octets());
    header[24..40].copy_from_slice(&target.octets());
    header
}

fn icmp_request(kind: u8, length: usize, identifier: u16, sequence: u16, sum: u32) -> Vec<u8> {
    let mut icmp: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
    icmp[..4].copy_from_slice(&[kind, 0, 0, 0]);
    icmp[4..6].copy_from_slice(&identifier.to_be_bytes());
    icmp[6..8].copy_from_slice(&sequence.to_be_bytes());
    let checksum = !fold(sum + words(&icmp));
    icmp[2..4].copy_from_slice(&checksum.to_be_bytes());
    icmp
}

/// Sizes come from a `u16`, so they fit.
fn length_bytes(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

fn pseudo_header_sum(source: Ipv6Addr, target: Ipv6Addr, length: usize) -> u32 {
    let length = u32::from(u16::from_be_bytes(length_bytes(length)));
    words(&source.octets()) + words(&target.octets()) + length + u32::from(ICMPV6)
}

fn words(bytes: &[u8]) -> u32 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    bytes.chunks(2).map(word).sum()
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}

/// Reads a packet of an IPv4 raw socket: it begins with the IP header.
pub(super) fn heard_ipv4(packet: &[u8]) -> Option<Heard> {
    let (header, icmp) = split_ipv4(packet)?;
    let from = ipv4_at(header, 12)?;
    let answer = match *icmp.first_chunk::<2>()? {
        [0, _] => return echo_of(icmp, from, Answer::Reply),
        [3, 4] => Outcome::PacketTooBig { from, mtu: u16_at(icmp, 6)?.into() },
        [3, code] => Outcome::Unreachable { from, reason: ipv4_reason(code) },
        [11, 0] => Outcome::TimeExceeded { from },
        _ => return None,
    };
    let (header, request) = split_ipv4(icmp.get(ICMP_HEADER..)?)?;
    let is_request = header.get(9) == Some(&1) && request.first() == Some(&8);
    echo_of(request, ipv4_at(header, 16)?, Answer::Error(answer)).filter(|_| is_request)
}

/// Reads a packet of an ICMPv6 raw socket: it begins with the ICMP header.
pub(super) fn heard_ipv6(icmp: &[u8], from: Ipv6Addr) -> Option<Heard> {
    let from = IpAddr::V6(from);
    let answer = match *icmp.first_chunk::<2>()? {
        [129, _] => return echo_of(icmp, from, Answer::Reply),
        [2, _] => Outcome::PacketTooBig { from, mtu: u32_at(icmp, 4)? },
        [1, code] => Outcome::Unreachable { from, reason: ipv6_reason(code) },
        [3, 0] => Outcome::TimeExceeded { from },
        _ => return None,
    };
    let inner = icmp.get(ICMP_HEADER..)?;
    let request = inner.get(IPV6_HEADER..)?;
    let is_request = inner.get(6) == Some(&ICMPV6) && request.first() == Some(&128);
    let target: [u8; 16] = inner.get(24..40)?.try_into().ok()?;
    echo_of(request, IpAddr::from(target), Answer::Error(answer)).filter(|_| is_request)
}

fn split_ipv4(packet: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(packet.first()? & 0x0f) * 4;
    packet.split_at_checked(length)
}

fn echo_of(icmp: &[u8], target: IpAddr, answer: Answer) -> Option<Heard> {
    Some(Heard { identifier: u16_at(icmp, 4)?, sequence: u16_at(icmp, 6)?, target, answer })
}

/// RFC 792 and RFC 1812 §5.2.7.1.
fn ipv4_reason(code: u8) -> Reason {
    match code {
        0 | 6 | 11 => Reason::NoRoute,
        1 | 7 | 12 => Reason::NoSuchHost,
        9 | 10 | 13 => Reason::Prohibited,
        other => Reason::Other(other),
    }
}

/// RFC 4443 §3.1.
fn ipv6_reason(code: u8) -> Reason {
    match code {
        0 => Reason::NoRoute,
        3 => Reason::NoSuchHost,
        1 | 5 | 6 => Reason::Prohibited,
        other => Reason::Other(other),
    }
}

fn ipv4_at(bytes: &[u8], at: usize) -> Option<IpAddr> {
    let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(IpAddr::from(octets))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(source: &str, target: &str, size: u16) -> Echo {
        Echo::new(source.parse().unwrap(), target.parse().unwrap(), size).hop_limit(2)
    }

    #[test]
    fn a_request_has_the_size_that_was_asked_for() {
        for (source, target) in [("10.0.0.2", "10.0.1.2"), ("fd00::2", "fd00:1::2")] {
            for size in [64, 1279, 1280, 1500, 9000] {
                let packet = request(&echo(source, target, size), 7, 1).unwrap();
                assert_eq!(packet.len(), usize::from(size));
            }
        }
        assert_eq!(request(&echo("10.0.0.2", "fd00::2", 64), 7, 1), None);
    }

    #[test]
    fn a_checksum_makes_the_sum_come_out_even() {
        let packet = request(&echo("10.0.0.2", "10.0.1.2", 65), 7, 1).unwrap();
        assert_eq!(fold(words(&packet[IPV4_HEADER..])), 0xffff);
        let packet = request(&echo("fd00::2", "fd00:1::2", 65), 7, 1).unwrap();
        let pseudo = words(&packet[8..40]) + 25 + u32::from(ICMPV6);
        assert_eq!(fold(pseudo + words(&packet[IPV6_HEADER..])), 0xffff);
    }

    #[test]
    fn an_error_is_matched_to_its_request() {
        let inner = request(&echo("10.0.0.2", "10.0.1.2", 64), 7, 9).unwrap();
        let router = ipv4_header(92, 64, Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let packet = [&router[..], &[3, 4, 0, 0, 0, 0, 0x04, 0xb0], &inner[..28]].concat();
        let heard = heard_ipv4(&packet).unwrap();
        assert_eq!((heard.identifier, heard.sequence), (7, 9));
        assert_eq!(heard.target, "10.0.1.2".parse::<IpAddr>().unwrap());
        let from = "10.0.0.1".parse().unwrap();
        assert_eq!(heard.answer, Answer::Error(Outcome::PacketTooBig { from, mtu: 1200 }));
    }

    #[test]
    fn nonsense_is_not_heard() {
        for length in 0..64 {
            assert_eq!(heard_ipv4(&vec![0x45; length]), None);
            assert_eq!(heard_ipv6(&vec![2; length], Ipv6Addr::LOCALHOST), None);
        }
    }
}
