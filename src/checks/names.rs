//! Whether the VPN's names leak into pods.

use provider_api::{Finding, Severity};

use super::Scene;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(survey) = scene.survey else { return Vec::new() };
    let by_vpn = |interface: &String| scene.is_vpn(interface);
    let vpns = survey.nameservers.iter().filter(|one| one.interface.as_ref().is_some_and(by_vpn));
    vpns.map(|server| leak(&server.address.to_string(), &survey.search)).collect()
}

fn leak(server: &str, search: &[String]) -> Finding {
    let also = match search {
        [] => String::new(),
        names => format!(", and looks for short names in {}", names.join(" ")),
    };
    Finding::new(
        Severity::Warning,
        "vpn-names-in-pods",
        format!("this machine asks the VPN's name server {server}{also}"),
        "kubelet hands both on to pods: a name that is meant for the cluster or the Internet can \
         be answered by the VPN, and none is where pods do not reach it",
    )
    .fix(
        "give kubelet a file without them: --resolv-conf=/etc/moorline/resolv.conf\n\
         or have the VPN leave this machine's names alone",
    )
}

#[cfg(test)]
mod tests {
    use super::super::scenes::Machine;
    use super::check;
    use crate::host::NameserverFact;

    #[test]
    fn only_the_vpns_own_server_leaks() {
        let told = |interface: &str| {
            let (address, interface) = ("100.100.100.100".parse().unwrap(), interface.to_owned());
            let machine = Machine::quiet().surveyed(|survey| {
                survey.nameservers.push(NameserverFact { address, interface: Some(interface) });
                survey.search.push("tail1.example".into());
            });
            check(&machine.scene())
        };
        assert_eq!(told("eth0"), []);
        let told = told("tailscale0");
        assert_eq!(told[0].code, "vpn-names-in-pods");
        assert!(told[0].what.ends_with("in tail1.example"), "{told:?}");
    }
}
