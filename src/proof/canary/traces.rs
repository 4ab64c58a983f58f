//! What the canary leaves on bridges beside its own, so that it can be taken back.

use ipnet::IpNet;
use linux::link::{self, LinkChange};
use linux::{Netlink, Result};

use super::{Canary, is_ours, pods};

impl Canary {
    /// The gateway addresses that [`Canary::ensure`] would add to a bridge of somebody else.
    pub async fn additions(&self) -> Result<Vec<(String, IpNet)>> {
        let links = Netlink::open()?.links().await?;
        let bridge = self.bridge(&links)?;
        if !bridge.others {
            return Ok(Vec::new());
        }
        let mut added = Vec::new();
        for change in bridge.changes(&links)? {
            if let LinkChange::AddAddress { name, address } = change {
                added.push((name, address));
            }
        }
        Ok(added)
    }
}

/// Takes an address of ours off somebody else's bridge; nothing where it is gone already.
pub async fn take_off(bridge: &str, address: IpNet) -> Result<()> {
    let netlink = Netlink::open()?;
    let links = netlink.links().await?;
    let is_there =
        link::named(&links, bridge).is_some_and(|link| link.addresses.contains(&address));
    if !is_there {
        return Ok(());
    }
    netlink.apply(&LinkChange::RemoveAddress { name: bridge.to_owned(), address }).await
}

/// Removes a bridge that is ours, unless more than a canary hangs on it. Whether it is gone.
pub async fn remove_bridge(name: &str) -> Result<bool> {
    let netlink = Netlink::open()?;
    let links = netlink.links().await?;
    let Some(bridge) = link::named(&links, name).filter(|link| is_ours(link)) else {
        return Ok(true);
    };
    if pods(bridge, &links).next().is_some() {
        return Ok(false);
    }
    netlink.apply(&LinkChange::Delete { name: name.to_owned() }).await?;
    Ok(true)
}

/// The bridges that are ours, as what is written on them says.
pub async fn own_bridges() -> Result<Vec<String>> {
    let links = Netlink::open()?.links().await?;
    let ours = links.into_iter().filter(|link| link.is_bridge() && is_ours(link));
    Ok(ours.map(|bridge| bridge.name).collect())
}

/// How many interfaces hang on a bridge that is ours, beside a canary.
pub async fn pods_on(name: &str) -> Result<usize> {
    let links = Netlink::open()?.links().await?;
    let bridge = link::named(&links, name).filter(|link| is_ours(link));
    Ok(bridge.map_or(0, |bridge| pods(bridge, &links).count()))
}
