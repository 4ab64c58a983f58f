//! Which of the kernel's settings that Moorline changed can be turned back: those that nobody
//! else needs. Pure, but for [`settings_files`].

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ipnet::IpNet;
use linux::{Family, link::Link, sysctl};
use provider_api::{Finding, Severity};

/// Who else may need a setting.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// The interfaces that are there once Moorline's are gone.
    pub links: Vec<Link>,
    /// The VPN's interface: what passes through it is in `routes`.
    pub vpn: Option<String>,
    /// The routes that an administrator offers to the VPN.
    pub routes: Vec<IpNet>,
    /// What an administrator or a package wants at every start: the file, the setting, its value.
    pub files: Vec<(String, String, String)>,
}

/// What becomes of the settings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Those that become what they were, in order.
    pub back: Vec<(String, String)>,
    /// Those that stay, and why.
    pub stays: Vec<Finding>,
}

/// Kinds of interfaces through which packets of others pass.
const FORWARDING: [&str; 6] = ["bridge", "ipvlan", "macvlan", "vrf", "vxlan", "wireguard"];

/// What becomes of the settings that were changed from these values.
pub(super) fn plan(
    changed: &BTreeMap<String, String>,
    others: &Others,
    now: impl Fn(&str) -> Option<String>,
) -> Plan {
    let mut plan = Plan::default();
    let mut forwards_ipv6 = false;
    for (key, was) in in_order(changed) {
        // Gone with its interface, or turned back by somebody else.
        let Some(value) = now(key).filter(|value| value != was) else { continue };
        let family = Family::BOTH.into_iter().find(|family| sysctl::forwarding_key(*family) == key);
        let need = match family {
            Some(family) => others.needs_forwarding(family),
            None if is_advertisement(key) && forwards_ipv6 => Some("IPv6 is forwarded".to_owned()),
            None => None,
        };
        match need.or_else(|| others.wants(key, &value)) {
            Some(need) => {
                forwards_ipv6 |= family == Some(Family::Ipv6);
                plan.stays.push(stays(key, &value, was, &need));
            }
            None => plan.back.push((key.to_owned(), was.to_owned())),
        }
    }
    plan
}

/// While IPv6 is forwarded, an interface takes router advertisements only at 2: first the one,
/// then the other.
fn in_order(changed: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    let mut all: Vec<_> = changed.iter().map(|(key, was)| (key.as_str(), was.as_str())).collect();
    all.sort_by_key(|(key, _)| is_advertisement(key));
    all
}

fn is_advertisement(key: &str) -> bool {
    key.ends_with("accept_ra")
}

impl Others {
    fn needs_forwarding(&self, family: Family) -> Option<String> {
        if let Some(route) = self.routes.iter().find(|route| Family::from(**route) == family) {
            return Some(format!("this node offers {route} to the VPN"));
        }
        let mut links = self.links.iter().filter(|link| self.vpn.as_ref() != Some(&link.name));
        let link = links.find(|link| passes(link))?;
        Some(format!("packets of others may pass through {}", link.name))
    }

    fn wants(&self, key: &str, value: &str) -> Option<String> {
        let same = |name: &str| name.replace('/', ".") == key.replace('/', ".");
        let (file, ..) =
            self.files.iter().find(|(_, name, wanted)| same(name) && wanted == value)?;
        Some(format!("{file} wants it so"))
    }
}

/// Whether packets of others may pass: through what is made for it, through the cable of a
/// container, which has no address on this side, and through a tunnel that somebody is in.
fn passes(link: &Link) -> bool {
    let has_address = link.addresses.iter().any(|address| !is_link_local(address));
    link.up
        && match link.kind.as_deref().unwrap_or_default() {
            "veth" => !has_address,
            "tun" => has_address,
            kind => FORWARDING.contains(&kind),
        }
}

fn is_link_local(address: &IpNet) -> bool {
    match address {
        IpNet::V4(address) => address.addr().is_link_local(),
        IpNet::V6(address) => address.addr().is_unicast_link_local(),
    }
}

fn stays(key: &str, value: &str, was: &str, need: &str) -> Finding {
    Finding::new(
        Severity::Info,
        "sysctl-stays",
        format!("{key} stays {value}, and was {was} before Moorline came"),
        need,
    )
    .fix(format!("where nobody needs it: sysctl -w {key}={was}"))
}

/// What an administrator or a package wants at every start (sysctl.d(5)).
pub(super) fn settings_files() -> Vec<(String, String, String)> {
    const FOLDERS: [&str; 5] = [
        "/etc/sysctl.d",
        "/run/sysctl.d",
        "/usr/local/lib/sysctl.d",
        "/usr/lib/sysctl.d",
        "/lib/sysctl.d",
    ];
    let listed = FOLDERS.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let mut paths: Vec<_> = listed.map(|entry| entry.path()).collect();
    paths.push("/etc/sysctl.conf".into());
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
    paths.sort();
    paths.iter().flat_map(|path| read(path)).collect()
}

fn read(path: &Path) -> Vec<(String, String, String)> {
    let file = path.display().to_string();
    let text = fs::read_to_string(path).unwrap_or_default();
    let settings = text.lines().filter_map(setting);
    settings.map(|(key, value)| (file.clone(), key, value)).collect()
}

fn setting(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let (key, value) = line.strip_prefix('-').unwrap_or(line).split_once('=')?;
    let comment = line.starts_with(['#', ';']);
    (!comment).then(|| (key.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPV4: &str = "net.ipv4.ip_forward";
    const IPV6: &str = "net.ipv6.conf.all.forwarding";
    const RA: &str = "net/ipv6/conf/eth0/accept_ra";

    fn link(name: &str, kind: &str, addresses: &[&str]) -> Link {
        Link {
            index: 1,
            name: name.into(),
            kind: (!kind.is_empty()).then(|| kind.into()),
            mtu: 1500,
            up: true,
            master: None,
            peer: None,
            alias: None,
            addresses: addresses.iter().map(|address| address.parse().expect("CIDR")).collect(),
        }
    }

    fn after(others: &Others) -> (Vec<String>, Vec<String>) {
        let changed = [(IPV4, "0"), (IPV6, "0"), (RA, "1"), ("net/ipv4/conf/gone/rp_filter", "1")];
        let changed = changed.map(|(key, was)| (key.to_owned(), was.to_owned())).into();
        let now = |key: &str| match key {
            IPV4 | IPV6 => Some("1".to_owned()),
            RA => Some("2".to_owned()),
            _ => None,
        };
        let plan = plan(&changed, others, now);
        let stays = plan.stays.into_iter().map(|finding| finding.why).collect();
        (plan.back.into_iter().map(|(key, _)| key).collect(), stays)
    }

    #[test]
    fn what_nobody_needs_becomes_what_it_was_and_advertisements_go_last() {
        let links = [link("lo", "", &["127.0.0.1/8"]), link("eth0", "veth", &["10.0.0.2/24"])];
        let idle = link("vpn0", "tun", &["fe80::1/64"]);
        let others = Others { links: [&links[..], &[idle]].concat(), ..Others::default() };
        assert_eq!(after(&others), (vec![IPV4.into(), IPV6.into(), RA.into()], vec![]));
    }

    #[test]
    fn forwarding_stays_for_bridges_containers_and_routes_of_others() {
        let passing = [
            link("docker0", "bridge", &["172.17.0.1/16"]),
            link("cali1", "veth", &["fe80::1/64"]),
            link("wg0", "wireguard", &["10.9.0.1/24"]),
            link("tun0", "tun", &["10.8.0.1/24"]),
        ];
        for link in passing {
            let why = format!("packets of others may pass through {}", link.name);
            let others = Others { links: vec![link], ..Others::default() };
            let (back, stays) = after(&others);
            assert_eq!(back, [""; 0]);
            assert_eq!(stays, [why.clone(), why, "IPv6 is forwarded".into()]);
        }
        let routes = vec!["192.168.7.0/24".parse().expect("CIDR")];
        let (links, vpn) = (vec![link("vpn0", "tun", &["100.64.0.1/32"])], Some("vpn0".to_owned()));
        let (back, _) = after(&Others { routes, links, vpn, ..Others::default() });
        assert_eq!(back, [IPV6, RA], "one family's need is not the other's");
    }

    #[test]
    fn what_a_file_asks_for_stays() {
        let files = vec![("/etc/sysctl.d/9.conf".into(), "net/ipv4/ip_forward".into(), "1".into())];
        let (back, stays) = after(&Others { files, ..Others::default() });
        assert_eq!(back, [IPV6, RA]);
        assert_eq!(stays, ["/etc/sysctl.d/9.conf wants it so"]);
    }

    #[test]
    fn lines_of_a_settings_file() {
        let read = |line| setting(line).map(|(key, value)| format!("{key}:{value}"));
        assert_eq!(read("-net.ipv4.ip_forward = 1").as_deref(), Some("net.ipv4.ip_forward:1"));
        assert_eq!(read("# net.ipv4.ip_forward=1"), None);
        assert_eq!(read("nothing"), None);
    }
}
