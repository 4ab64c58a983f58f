//! What `GET status` says (`ipn/ipnstate/ipnstate.go:32`).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// How the daemon stands.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Status {
    /// Whether packets go through a kernel interface; userspace mode otherwise.
    #[serde(rename = "TUN")]
    pub(crate) tun: bool,
    /// The daemon's state.
    pub(crate) backend_state: State,
    /// Whether the node was ever logged in and not logged out since.
    pub(crate) have_node_key: bool,
    /// The page that somebody must open to log in.
    #[serde(rename = "AuthURL")]
    pub(crate) auth_url: String,
    /// This node.
    #[serde(rename = "Self")]
    pub(crate) this: Option<PeerStatus>,
    /// Warnings for people, in no order.
    pub(crate) health: Option<Vec<String>>,
    /// Everybody else, by key.
    pub(crate) peer: Option<BTreeMap<String, PeerStatus>>,
    /// Whose nodes they are, by number.
    user: Option<BTreeMap<String, User>>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct User {
    login_name: String,
}

/// A node of the network, as this one sees it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct PeerStatus {
    /// The control server's stable id.
    #[serde(rename = "ID")]
    pub(crate) id: String,
    /// Whose node it is, by number.
    #[serde(rename = "UserID")]
    pub(crate) user_id: u64,
    /// What it calls itself.
    pub(crate) host_name: String,
    /// Its full name, with a dot at the end; empty where there is none.
    #[serde(rename = "DNSName")]
    pub(crate) dns_name: String,
    /// Its addresses.
    #[serde(rename = "TailscaleIPs")]
    pub(crate) tailscale_ips: Option<Vec<IpAddr>>,
    /// What it may send from: its addresses and the routes that it serves.
    #[serde(rename = "AllowedIPs")]
    pub(crate) allowed_ips: Option<Vec<IpNet>>,
    /// The routes that it serves as the elected one.
    pub(crate) primary_routes: Option<Vec<IpNet>>,
    /// Its tags, `tag:` in front.
    pub(crate) tags: Option<Vec<String>>,
    /// Where packets go now; empty where they go through a relay or nowhere.
    #[serde(deserialize_with = "endpoint")]
    pub(crate) cur_addr: Option<SocketAddr>,
    /// The code of its home relay.
    pub(crate) relay: String,
    /// The peer that relays to it, as `address:port:vni:N`; empty for none.
    pub(crate) peer_relay: String,
    /// The last WireGuard handshake; the year 1 for never.
    #[serde(deserialize_with = "moment")]
    pub(crate) last_handshake: Option<Timestamp>,
    /// For a peer what the control server believes; for this node whether it is connected.
    pub(crate) online: bool,
    /// Whether something was sent to it lately.
    pub(crate) active: bool,
    /// Whether it offers to be an exit node.
    pub(crate) exit_node_option: bool,
    /// Whether its key expired.
    pub(crate) expired: bool,
    /// When its key expires; none for never.
    #[serde(deserialize_with = "moment")]
    pub(crate) key_expiry: Option<Timestamp>,
}

impl Status {
    /// This node's addresses, IPv4 first.
    pub(crate) fn addresses(&self) -> Vec<IpAddr> {
        self.this.as_ref().map(PeerStatus::addresses).unwrap_or_default()
    }

    /// The login name of this node's user.
    pub(crate) fn login_name(&self) -> Option<&str> {
        let user = self.this.as_ref()?.user_id.to_string();
        Some(&self.user.as_ref()?.get(&user)?.login_name)
    }

    /// Whether the control server wants a new login although the daemon does not say so:
    /// the node is deleted there (seen with 1.102.3: Running, not online, a page to open).
    pub(crate) fn is_disowned(&self) -> bool {
        let online = self.this.as_ref().is_some_and(|this| this.online);
        self.backend_state.is_member() && !online && !self.auth_url.is_empty()
    }

    /// Whether this node's key expired.
    pub(crate) fn is_expired(&self) -> bool {
        self.this.as_ref().is_some_and(|this| this.expired)
    }
}

impl PeerStatus {
    /// Its addresses, IPv4 first.
    pub(crate) fn addresses(&self) -> Vec<IpAddr> {
        let mut addresses = self.tailscale_ips.clone().unwrap_or_default();
        addresses.sort_by_key(IpAddr::is_ipv6);
        addresses
    }

    /// The prefixes that it serves: what it may send from, without its own addresses and
    /// without the default routes that an exit node offers.
    pub(crate) fn routes(&self) -> Vec<IpNet> {
        let own = self.addresses();
        let is_own =
            |net: &IpNet| net.prefix_len() == net.max_prefix_len() && own.contains(&net.addr());
        let allowed = self.allowed_ips.clone().unwrap_or_default();
        allowed.into_iter().filter(|net| net.prefix_len() > 0 && !is_own(net)).collect()
    }

    /// The first label of its name in the network, else what it calls itself.
    pub(crate) fn name(&self) -> &str {
        match self.dns_name.split('.').next() {
            None | Some("") => &self.host_name,
            Some(label) => label,
        }
    }
}

/// The daemon's state (`ipn/backend.go:24`).
#[allow(clippy::enum_variant_names, reason = "the daemon's own words")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// Starting up, or without news from the control server.
    #[default]
    NoState,
    /// Another user of this machine has it.
    InUseOtherUser,
    /// Somebody must log in.
    NeedsLogin,
    /// An administrator must admit the device.
    NeedsMachineAuth,
    /// Switched off.
    Stopped,
    /// In the network, with addresses, and no live relay or peer yet.
    Starting,
    /// In the network.
    Running,
    /// A state of a newer daemon.
    Other(String),
}

impl State {
    const BY_NUMBER: [State; 7] = [
        State::NoState,
        State::InUseOtherUser,
        State::NeedsLogin,
        State::NeedsMachineAuth,
        State::Stopped,
        State::Starting,
        State::Running,
    ];

    /// Whether the node is in the network, with addresses of its own.
    pub(crate) fn is_member(&self) -> bool {
        matches!(self, State::Starting | State::Running)
    }

    fn from_number(number: u64) -> Self {
        let known = usize::try_from(number).ok().and_then(|number| Self::BY_NUMBER.get(number));
        known.cloned().unwrap_or_else(|| State::Other(number.to_string()))
    }

    fn from_word(word: String) -> Self {
        let known = Self::BY_NUMBER.iter().find(|state| format!("{state:?}") == word);
        known.cloned().unwrap_or(State::Other(word))
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Word(String),
        }
        Ok(match Written::deserialize(input)? {
            Written::Number(number) => State::from_number(number),
            Written::Word(word) => State::from_word(word),
        })
    }
}

/// Go writes the zero time as the first second of year 1.
fn moment<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(input)?.unwrap_or_default();
    Ok(text.parse::<Timestamp>().ok().filter(|moment| moment.as_second() > 0))
}

fn endpoint<'de, D: Deserializer<'de>>(input: D) -> Result<Option<SocketAddr>, D::Error> {
    Ok(Option::<String>::deserialize(input)?.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tailscale_localapi::types as theirs;

    /// As 1.102.3 answered.
    const RUNNING: &str = include_str!("answers/status-running.json");
    const FRESH: &str = include_str!("answers/status-fresh.json");

    fn both(answer: &str) -> (Status, theirs::Status) {
        (serde_json::from_str(answer).unwrap(), serde_json::from_str(answer).unwrap())
    }

    #[test]
    fn a_member_is_read_as_others_read_it() {
        let (ours, theirs) = both(RUNNING);
        assert_eq!(ours.backend_state, State::Running);
        assert!(matches!(theirs.backend_state, theirs::BackendState::Running));
        assert_eq!(ours.addresses(), theirs.tailscale_ips);
        assert_eq!(ours.this.as_ref().unwrap().id, theirs.self_status.id);
        assert_eq!(ours.health.unwrap(), theirs.health);
        let peers = ours.peer.unwrap();
        assert_eq!(peers.len(), theirs.peer.len());
        for (key, ours) in &peers {
            assert_same_peer(ours, &theirs.peer[key]);
        }
    }

    fn assert_same_peer(ours: &PeerStatus, theirs: &theirs::PeerStatus) {
        assert_eq!(ours.host_name, theirs.hostname);
        assert_eq!(ours.online, theirs.online);
        let endpoint = ours.cur_addr.map(|endpoint| endpoint.to_string());
        assert_eq!(endpoint.unwrap_or_default(), theirs.cur_addr);
        let handshake = ours.last_handshake.map_or(0, Timestamp::as_second);
        assert_eq!(handshake, theirs.last_handshake.timestamp().max(0));
        let primary = ours.primary_routes.clone().unwrap_or_default();
        let primary: Vec<String> = primary.iter().map(ToString::to_string).collect();
        assert_eq!(primary, theirs.primary_routes);
    }

    #[test]
    fn a_fresh_daemon_is_read_as_others_read_it() {
        let (ours, theirs) = both(FRESH);
        assert_eq!(ours.backend_state, State::NeedsLogin);
        assert!(matches!(theirs.backend_state, theirs::BackendState::NeedsLogin));
        assert!(ours.tun && !ours.have_node_key && ours.addresses().is_empty());
        assert_eq!(ours.auth_url, theirs.auth_url);
    }

    #[test]
    fn what_a_newer_daemon_may_say_is_tolerated() {
        let answer = json!({"BackendState": "Dreaming", "Self": null, "Peer": {"nodekey:1": {}}});
        let status: Status = serde_json::from_value(answer).unwrap();
        assert_eq!(status.backend_state, State::Other("Dreaming".into()));
        assert!(!status.is_disowned() && status.addresses().is_empty());
    }
}
