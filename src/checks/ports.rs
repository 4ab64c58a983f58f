//! Whether another program has the VPN's UDP port.

use provider_api::{Finding, Severity};

use super::Scene;
use crate::host::SocketFact;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(survey) = scene.survey else { return Vec::new() };
    let daemon =
        scene.capabilities.service.as_deref().map(|unit| unit.trim_end_matches(".service"));
    let others = survey.sockets.iter().filter(|socket| Some(socket.program.as_str()) != daemon);
    let taken = others.filter(|socket| scene.capabilities.ports.contains(&socket.port));
    taken.map(port_taken).collect()
}

fn port_taken(SocketFact { port, program }: &SocketFact) -> Finding {
    Finding::new(
        Severity::Warning,
        "port-taken",
        format!("{program} listens on UDP port {port}, which is the VPN's"),
        "the VPN takes another port, or none: a firewall that was opened for this one stays shut",
    )
    .fix(format!("ss -lunp 'sport = {port}'; give {program} another port"))
}

#[cfg(test)]
mod tests {
    use super::super::scenes::Machine;
    use super::*;

    fn told(program: &str, port: u16) -> usize {
        let machine = Machine::quiet().surveyed(|survey| {
            survey.sockets.push(SocketFact { port, program: program.into() });
        });
        check(&machine.scene()).len()
    }

    #[test]
    fn the_vpns_own_daemon_may_have_its_port() {
        assert_eq!(told("vpnd", 41641), 0);
        assert_eq!(told("netbird", 41641), 1);
        assert_eq!(told("netbird", 51820), 0, "nobody here needs that one");
        assert!(check(&Machine::quiet().scene()).is_empty(), "nobody looked");
    }
}
