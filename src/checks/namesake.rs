//! Whether the old self of a node that was made anew is still listed.

use provider_api::{Finding, Peer, Severity};

use crate::host::PeerReport;

/// The offline peers whose name this node would have, were it free.
pub fn namesakes(name: &str, peers: &[PeerReport]) -> Vec<Finding> {
    let peers = peers.iter().map(|PeerReport { peer, .. }| peer);
    peers.filter(|peer| !peer.online && is_taken_name(&peer.name, name)).map(old_self).collect()
}

/// Control servers number the later ones of a name: `a`, `a-1`, `a-2`.
fn is_taken_name(taken: &str, name: &str) -> bool {
    let number = name.strip_prefix(taken).and_then(|rest| rest.strip_prefix('-'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    taken == name || number.is_some_and(is_number)
}

fn old_self(peer: &Peer) -> Finding {
    let finding = Finding::new(
        Severity::Info,
        "namesake-offline",
        format!("{} is offline; it may be what this node was before it was made anew", peer.name),
        "an old self keeps the node's name, and its pod CIDR if it ever comes back",
    );
    match &peer.removal {
        Some(command) => finding.fix(command.clone()),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenes::peer;
    use super::*;
    use crate::host::Kinship;

    fn told(name: &str, other: &str, online: bool) -> Vec<Finding> {
        let removal = Some("headscale nodes delete -i 7".to_owned());
        let peer = Peer { removal, ..peer(other, &[], online) };
        namesakes(name, &[PeerReport { peer, kinship: Kinship::Bystander }])
    }

    #[test]
    fn an_old_self_is_told_with_the_command_that_removes_it() {
        for name in ["a", "a-1", "a-12"] {
            let findings = told(name, "a", false);
            assert_eq!(findings[0].fix.as_deref(), Some("headscale nodes delete -i 7"), "{name}");
        }
    }

    #[test]
    fn another_node_is_no_old_self() {
        assert_eq!(told("a-1", "a", true), []);
        for other in ["b", "a-2", "a-1-x", ""] {
            assert_eq!(told("a-1", other, false), [], "{other}");
        }
        assert_eq!(told("a-east", "a", false), []);
    }
}
