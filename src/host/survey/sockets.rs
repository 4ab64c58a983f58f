//! Who listens on UDP ports: `/proc/net/udp` (proc(5)) has the sockets, and each process the
//! sockets that it holds.

use std::collections::BTreeMap;
use std::fs;

use super::SocketFact;

/// The programs that hold one of these ports. Another user's are seen by root alone.
pub(super) fn holders(ports: &[u16]) -> Vec<SocketFact> {
    let text = |file| fs::read_to_string(file).unwrap_or_default();
    let mut inodes = BTreeMap::new();
    for table in [text("/proc/net/udp"), text("/proc/net/udp6")] {
        let listed = listening(&table).into_iter();
        inodes.extend(listed.filter(|(_, port)| ports.contains(port)));
    }
    if inodes.is_empty() {
        return Vec::new();
    }
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let processes = processes.filter_map(Result::ok);
    let mut found: Vec<SocketFact> = processes.flat_map(|one| held(&one.path(), &inodes)).collect();
    found.sort();
    found.dedup();
    found
}

/// Inode and port of each socket of the table. Pure.
fn listening(table: &str) -> BTreeMap<u64, u16> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let (_, port) = cells.get(1)?.rsplit_once(':')?;
        Some((cells.get(9)?.parse().ok()?, u16::from_str_radix(port, 16).ok()?))
    };
    table.lines().skip(1).filter_map(row).collect()
}

/// What a process holds of these sockets. One that went away holds nothing.
fn held(process: &std::path::Path, inodes: &BTreeMap<u64, u16>) -> Vec<SocketFact> {
    let Ok(files) = fs::read_dir(process.join("fd")) else { return Vec::new() };
    let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    let ports = links.filter_map(|link| {
        let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
        inodes.get(&inode.parse().ok()?).copied()
    });
    let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
    ports.map(|port| SocketFact { port, program: name.trim().to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_sockets_is_read() {
        let table = "\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  413: 00000000:A2A9 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7531 2 000000000 0
";
        assert_eq!(listening(table), BTreeMap::from([(7531, 41641)]));
    }

    #[test]
    fn our_own_socket_is_found() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let port = socket.local_addr().expect("an address").port();
        let program = fs::read_to_string("/proc/self/comm").expect("a name").trim().to_owned();
        // A child that another test has just forked holds it for a moment, too.
        let found = holders(&[port]);
        assert!(found.contains(&SocketFact { port, program }), "{found:?}");
    }
}
