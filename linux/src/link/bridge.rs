//! The bridge that should be there, and what is missing.

use ipnet::IpNet;

use super::{Link, LinkChange, named};
use crate::error::{Error, Result};
use crate::netlink::Netlink;

/// A bridge as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Its name.
    pub name: String,
    /// Its MTU in bytes; none leaves it as it is.
    pub mtu: Option<u32>,
    /// Addresses that it must have.
    pub addresses: Vec<IpNet>,
    /// Whether it may have others. If not, they are taken away, but for those of link scope.
    pub others: bool,
    /// What is written on it when it is made, so that its maker is known later.
    pub alias: String,
    /// The hardware address that it is made with. One that is made anew with the same keeps what
    /// its neighbours remember true.
    pub hardware: [u8; 6],
}

impl Bridge {
    /// What must be written, given what is there. Pure.
    ///
    /// # Errors
    /// [`Error::InTheWay`] where an interface of another kind has the name.
    pub fn changes(&self, links: &[Link]) -> Result<Vec<LinkChange>> {
        let now = named(links, &self.name);
        if let Some(other) = now.filter(|link| !link.is_bridge()) {
            let kind = other.kind.as_deref().unwrap_or("no virtual interface");
            let why = format!("an interface of that name is there already (kind: {kind})");
            return Err(Error::InTheWay { what: format!("make the bridge {}", self.name), why });
        }
        let mut changes = Vec::new();
        if now.is_none() {
            let (name, alias) = (self.name.clone(), self.alias.clone());
            changes.push(LinkChange::CreateBridge { name, alias, hardware: self.hardware });
        }
        changes.extend(mtu(&self.name, now, self.mtu));
        if !self.others {
            changes.extend(surplus_addresses(&self.name, now, &self.addresses));
        }
        changes.extend(missing_addresses(&self.name, now, &self.addresses));
        changes.extend(up(&self.name, now));
        Ok(changes)
    }
}

impl Netlink {
    /// Makes the bridge as it should be. Returns what was written.
    pub async fn ensure_bridge(&self, bridge: &Bridge) -> Result<Vec<LinkChange>> {
        let changes = bridge.changes(&self.links().await?)?;
        self.apply_all(&changes).await?;
        Ok(changes)
    }
}

pub(super) fn mtu(name: &str, now: Option<&Link>, want: Option<u32>) -> Option<LinkChange> {
    let from = now.map(|link| link.mtu);
    let to = want.filter(|want| from != Some(*want))?;
    Some(LinkChange::SetMtu { name: name.to_owned(), from, to })
}

pub(super) fn missing_addresses<'a>(
    name: &'a str,
    now: Option<&'a Link>,
    want: &'a [IpNet],
) -> impl Iterator<Item = LinkChange> + 'a {
    let missing = move |address: &&IpNet| now.is_none_or(|link| !link.addresses.contains(address));
    let add = |address: &IpNet| LinkChange::AddAddress { name: name.to_owned(), address: *address };
    want.iter().filter(missing).map(add)
}

pub(super) fn surplus_addresses(
    name: &str,
    now: Option<&Link>,
    want: &[IpNet],
) -> impl Iterator<Item = LinkChange> {
    let there = now.into_iter().flat_map(|link| &link.addresses);
    let surplus = there.filter(|address| !want.contains(address) && !is_link_scope(address));
    surplus
        .map(move |address| LinkChange::RemoveAddress { name: name.to_owned(), address: *address })
}

fn is_link_scope(address: &IpNet) -> bool {
    match address {
        IpNet::V4(address) => address.addr().is_link_local(),
        IpNet::V6(address) => address.addr().is_unicast_link_local(),
    }
}

pub(super) fn up(name: &str, now: Option<&Link>) -> Option<LinkChange> {
    let is_up = now.is_some_and(|link| link.up);
    (!is_up).then(|| LinkChange::SetUp { name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Host, bridge};

    fn link(kind: &str) -> Link {
        Link {
            index: 3,
            name: "moorline0".into(),
            kind: Some(kind.into()),
            mtu: 1280,
            up: true,
            master: None,
            peer: None,
            alias: None,
            addresses: bridge().addresses,
        }
    }

    fn texts(changes: &[LinkChange]) -> Vec<String> {
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_is_written_when_nothing_differs() {
        assert_eq!(bridge().changes(&[link("bridge")]).unwrap(), []);
    }

    #[test]
    fn only_what_is_missing_is_written() {
        let bare = Link { mtu: 1500, addresses: vec![], ..link("bridge") };
        assert_eq!(
            texts(&bridge().changes(&[bare]).unwrap()),
            [
                "set the MTU of moorline0 to 1280",
                "add address 10.42.3.1/24 to moorline0",
                "add address 2001:cafe:42:3::1/64 to moorline0"
            ]
        );
    }

    #[test]
    fn other_addresses_go_only_where_they_may_not_be() {
        let old = ["10.42.9.1/24", "fe80::1/64"].map(|address| address.parse().unwrap());
        let link =
            Link { addresses: [old.to_vec(), bridge().addresses].concat(), ..link("bridge") };
        let exact = bridge().changes(std::slice::from_ref(&link)).unwrap();
        assert_eq!(texts(&exact), ["take address 10.42.9.1/24 from moorline0"]);
        let shared = Bridge { others: true, ..bridge() };
        assert_eq!(shared.changes(&[link]).unwrap(), []);
    }

    #[test]
    fn a_bridge_that_a_killed_run_left_unfinished_is_made_anew() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        host.sh("ip link add moorline-new type bridge");
        let links = host.block_on(async || {
            let netlink = crate::Netlink::open().unwrap();
            netlink.ensure_bridge(&bridge()).await.unwrap();
            assert_eq!(netlink.ensure_bridge(&bridge()).await.unwrap(), []);
            netlink.links().await.unwrap()
        });
        let made = crate::link::named(&links, "moorline0").unwrap();
        assert_eq!(made.alias.as_deref(), Some("moorline"));
        assert!(crate::link::named(&links, "moorline-new").is_none());
    }

    #[test]
    fn an_interface_of_another_kind_is_left_alone() {
        let error = bridge().changes(&[link("veth")]).unwrap_err().to_string();
        assert_eq!(
            error,
            "cannot make the bridge moorline0: an interface of that name is there already \
             (kind: veth)"
        );
    }
}
