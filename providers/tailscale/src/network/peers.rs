//! Everybody else in the tailnet. Pure.

use provider_api::{NodeId, Path, Peer};

use crate::client::{PeerStatus, Status};
use crate::control_url::ControlKind;
use crate::route_stage::PeerRoutes;

/// The peers of a status, in the order of their names.
pub(super) fn peers(status: &Status, kind: ControlKind) -> Vec<Peer> {
    let all = status.peer.iter().flat_map(|peers| peers.values());
    let mut peers: Vec<Peer> = all.map(|peer| as_peer(peer, kind)).collect();
    peers.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    peers
}

/// Which routes each peer serves.
pub(super) fn peer_routes(status: &Status) -> Vec<PeerRoutes> {
    let all = status.peer.iter().flat_map(|peers| peers.values());
    all.map(|peer| PeerRoutes {
        id: NodeId::new(&peer.id),
        name: peer.name().to_owned(),
        primary: peer.primary_routes.clone().unwrap_or_default(),
    })
    .collect()
}

fn as_peer(peer: &PeerStatus, kind: ControlKind) -> Peer {
    Peer {
        id: NodeId::new(&peer.id),
        name: peer.name().to_owned(),
        cluster: None,
        tags: peer.tags.clone().unwrap_or_default(),
        addresses: peer.addresses(),
        routes: peer.routes(),
        online: peer.online,
        path: path(peer),
        last_contact: peer.last_handshake,
        removal: Some(removal(peer, kind)),
    }
}

/// An endpoint is there only while packets go straight; a home relay always.
fn path(peer: &PeerStatus) -> Path {
    match peer.cur_addr {
        Some(endpoint) => Path::Direct(endpoint),
        None if !peer.peer_relay.is_empty() => Path::Relayed(peer.peer_relay.clone()),
        None if peer.active && !peer.relay.is_empty() => Path::Relayed(peer.relay.clone()),
        None => Path::Idle,
    }
}

fn removal(peer: &PeerStatus, kind: ControlKind) -> String {
    match kind {
        ControlKind::SelfHosted => format!("headscale nodes delete -i {}", peer.id),
        ControlKind::Tailscale => {
            format!("remove {} at https://login.tailscale.com/admin/machines", peer.name())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn peer(fields: Value) -> Peer {
        as_peer(&serde_json::from_value(fields).unwrap(), ControlKind::SelfHosted)
    }

    #[test]
    fn the_path_says_how_packets_go() {
        let direct = peer(json!({"CurAddr": "192.0.2.1:41641", "Relay": "hs", "Active": true}));
        assert_eq!(direct.path, Path::Direct("192.0.2.1:41641".parse().unwrap()));
        let relayed = peer(json!({"CurAddr": "", "Relay": "hs", "Active": true}));
        assert_eq!(relayed.path, Path::Relayed("hs".to_owned()));
        assert_eq!(peer(json!({"CurAddr": "", "Relay": "hs", "Active": false})).path, Path::Idle);
        assert_eq!(peer(json!({})).path, Path::Idle);
    }

    #[test]
    fn own_addresses_and_exit_routes_are_no_routes() {
        let peer = peer(json!({
            "ID": "7", "HostName": "b", "DNSName": "node-b.tail.example.",
            "TailscaleIPs": ["fd7a:115c:a1e0::2", "100.64.0.2"],
            "AllowedIPs": ["100.64.0.2/32", "fd7a:115c:a1e0::2/128", "10.42.1.0/24", "0.0.0.0/0", "::/0"],
            "LastHandshake": "0001-01-01T00:00:00Z",
        }));
        assert_eq!(peer.routes, ["10.42.1.0/24".parse().unwrap()]);
        assert_eq!(peer.name, "node-b");
        assert!(peer.addresses[0].is_ipv4());
        assert_eq!(peer.last_contact, None);
        assert_eq!(peer.removal.as_deref(), Some("headscale nodes delete -i 7"));
    }
}
