//! What is known to be ours by its name alone, and is taken away also where nothing is
//! remembered of it.

use linux::{Namespace, Netlink};
use provider_api::{Change, Result};

use super::{firewall, kernel};
use crate::host::Directories;
use crate::proof;

/// Takes away the canary, the bridges of ours that no pods hang on, the rules, and all that is in
/// the firewall. Returns what there was.
///
/// # Errors
/// What the kernel refuses.
pub async fn sweep(directories: &Directories) -> Result<Vec<Change>> {
    let mut changes = firewall::sweep().await?;
    let netlink = Netlink::open().map_err(kernel)?;
    let rules = netlink.rules().await.map_err(kernel)?;
    let ours = rules.iter().filter(|listed| listed.ours);
    changes.extend(ours.map(|listed| gone(format!("ip rule {}", listed.rule))));
    netlink.set_rules(0..=u32::MAX, &[]).await.map_err(kernel)?;
    if Namespace::is_pinned(&directories.canary()) {
        changes.push(gone(format!("canary {}", directories.canary().display())));
    }
    Namespace::remove(&directories.canary()).map_err(kernel)?;
    for bridge in proof::own_bridges().await.map_err(kernel)? {
        if proof::remove_bridge(&bridge).await.map_err(kernel)? {
            changes.push(gone(format!("interface {bridge}")));
        }
    }
    Ok(changes)
}

fn gone(subject: String) -> Change {
    let why = "nothing was remembered of it".to_owned();
    Change { subject, from: "present".to_owned(), to: String::new(), why }
}
