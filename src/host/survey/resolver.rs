//! `/etc/resolv.conf` (resolv.conf(5)).

use std::net::IpAddr;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Resolver {
    pub(super) nameservers: Vec<IpAddr>,
    pub(super) search: Vec<String>,
}

/// What kubelet hands on to pods: behind systemd-resolved, the file that has the real servers.
pub(super) fn read() -> Resolver {
    let files = ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"];
    let text = files.iter().find_map(|file| std::fs::read_to_string(file).ok());
    parse(&text.unwrap_or_default())
}

/// Pure.
fn parse(text: &str) -> Resolver {
    let mut resolver = Resolver::default();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") => {
                resolver
                    .nameservers
                    .extend(words.next().and_then(|word| word.parse::<IpAddr>().ok()));
            }
            Some("search" | "domain") => resolver.search = words.map(str::to_owned).collect(),
            Some(_) | None => {}
        }
    }
    resolver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_search_counts_and_comments_do_not() {
        let text = "# nameserver 192.0.2.9\nnameserver 100.100.100.100\nnameserver fe80::1%eth0\n\
                    search a.example\nsearch tail1.ts.example b.example\noptions ndots:5\n";
        let resolver = parse(text);
        assert_eq!(resolver.nameservers, ["100.100.100.100".parse::<IpAddr>().unwrap()]);
        assert_eq!(resolver.search, ["tail1.ts.example", "b.example"]);
    }
}
