//! A network that is up and a peer in it, for tests of what is made of them.

use provider_api::{Control, NodeId, Observed, Path, Peer};

/// A node that is connected, and alone, and advertises nothing.
pub(crate) fn observed() -> Observed {
    Observed {
        up: true,
        control: Control::Connected,
        addresses: vec!["100.64.0.1".parse().expect("an address")],
        tags: vec![],
        interface: "tailscale0".into(),
        mtu: 1280,
        routes: vec![],
        peers: vec![],
        findings: vec![],
        route_findings: vec![],
        wants: Vec::new(),
    }
}

/// A peer that is online, and that nothing else is known of; its name is its id too.
pub(crate) fn peer(name: &str) -> Peer {
    Peer {
        id: NodeId::new(name),
        name: name.into(),
        cluster: None,
        tags: vec![],
        addresses: vec![],
        routes: vec![],
        online: true,
        path: Path::Idle,
        last_contact: None,
        removal: None,
    }
}
