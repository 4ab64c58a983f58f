//! Whether this machine's own network uses addresses that the VPN takes for its own, as some
//! clouds and providers with carrier-grade NAT do.

use ipnet::IpNet;
use provider_api::{Finding, Severity};

use super::Scene;
use crate::cidr::overlap;
use crate::host::NameserverFact;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let links = scene.facts.links.iter().filter(|link| !scene.is_own(&link.name));
    let addresses =
        links.flat_map(|link| link.addresses.iter().map(|net| (net, link.name.as_str())));
    let used = addresses
        .filter_map(|(net, link)| taken(scene, &net.trunc()).map(|range| in_use(net, link, range)));
    let servers = scene.survey.iter().flat_map(|survey| &survey.nameservers);
    let cut_off = servers.filter_map(|server| resolver(scene, server));
    used.chain(cut_off).collect()
}

/// The range of the VPN's that this lies in.
fn taken<'a>(scene: &'a Scene<'_>, net: &IpNet) -> Option<&'a IpNet> {
    scene.capabilities.ranges.iter().find(|range| overlap(range, net))
}

fn in_use(net: &IpNet, link: &str, range: &IpNet) -> Finding {
    Finding::new(
        Severity::Warning,
        "vpn-range-in-use",
        format!("{link} has {net}, inside the addresses {range} that the VPN hands out"),
        "the VPN drops packets with such addresses from any other interface, so that this \
         network, its name servers and its metadata may be cut off",
    )
    .fix(format!("give {link} addresses outside {range}, or the VPN another range"))
}

/// A name server in the VPN's range is the VPN's own, or one that it cuts off.
fn resolver(scene: &Scene<'_>, server: &NameserverFact) -> Option<Finding> {
    let NameserverFact { address, interface } = server;
    let range = taken(scene, &IpNet::from(*address))?;
    let interface = interface.as_deref().filter(|name| !scene.is_own(name))?;
    Some(
        Finding::new(
            Severity::Error,
            "name-server-cut-off",
            format!("the name server {address} is reached by {interface}, and lies in {range}"),
            "the VPN drops its answers: this machine and its pods resolve no names",
        )
        .fix("name another server in /etc/resolv.conf, or give the VPN another range"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::scenes::Machine;
    use super::*;

    fn codes(machine: &Machine) -> Vec<String> {
        check(&machine.scene()).into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_cloud_that_uses_the_vpns_addresses() {
        let machine = Machine::quiet().link("eth0", 1500, &["100.64.9.7/20"]);
        assert_eq!(codes(&machine), ["vpn-range-in-use"]);
        assert_eq!(codes(&Machine::quiet()), [""; 0], "the VPN's own interface");
        let machine = Machine::quiet().link("eth0", 1500, &["192.0.2.7/24"]);
        assert_eq!(codes(&machine), [""; 0]);
    }

    #[test]
    fn a_name_server_of_the_clouds_in_the_vpns_range() {
        let server = |address: &str, interface: &str| {
            let (address, interface) = (address.parse().unwrap(), Some(interface.to_owned()));
            Machine::quiet().surveyed(move |survey| {
                survey.nameservers.push(NameserverFact { address, interface });
            })
        };
        assert_eq!(codes(&server("100.100.2.136", "eth0")), ["name-server-cut-off"]);
        assert_eq!(codes(&server("100.100.100.100", "tailscale0")), [""; 0]);
        assert_eq!(codes(&server("192.0.2.53", "eth0")), [""; 0]);
    }
}
