//! What the kernel can do, found by trying.

use std::collections::BTreeSet;
use std::path::Path;

use linux::link::LinkChange;
use linux::nftables::Table;
use linux::{Namespace, Netlink};
use tokio::process::Command;

use super::KernelFact;

/// What the kernel can do; none where it lets nobody try.
pub(super) async fn tried(scratch: &Path) -> Option<KernelFact> {
    let namespace = Namespace::pinned(scratch).ok()?;
    let place = scratch.to_owned();
    let tried = namespace.run_async(move || async move { attempt(&place).await }).await;
    drop(namespace);
    if let Err(error) = Namespace::remove(scratch) {
        tracing::warn!(%error, "a network namespace is left behind");
    }
    tried.ok().flatten()
}

async fn attempt(place: &Path) -> Option<KernelFact> {
    let netlink = Netlink::open().ok()?;
    let name = |name: &str| name.to_owned();
    let (alias, hardware) = (name("moorline doctor"), [2, 0, 0, 0, 0, 1]);
    let bridge = LinkChange::CreateBridge { name: name("bridge"), alias, hardware };
    let veth = LinkChange::CreateVeth {
        name: name("one"),
        namespace: place.to_owned(),
        inside: name("other"),
    };
    let masquerade = "chain out { type nat hook postrouting priority srcnat; masquerade; }";
    Some(KernelFact {
        bridge: netlink.apply(&bridge).await.is_ok(),
        veth: netlink.apply(&veth).await.is_ok(),
        masquerade: Table::inet("doctor").replace(masquerade).await.is_ok(),
        tun: Path::new("/dev/net/tun").exists(),
        wireguard: netlink.create_wireguard("wireguard").await.is_ok(),
    })
}

/// The tables of iptables-legacy that hold rules. Asking a kernel that has none would make
/// them.
pub(super) async fn legacy_tables() -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    for (names, program) in [
        ("/proc/net/ip_tables_names", "iptables-legacy-save"),
        ("/proc/net/ip6_tables_names", "ip6tables-legacy-save"),
    ] {
        let has_tables = std::fs::read_to_string(names).is_ok_and(|names| !names.is_empty());
        if has_tables && let Ok(output) = Command::new(program).output().await {
            tables.extend(with_rules(&String::from_utf8_lossy(&output.stdout)));
        }
    }
    tables
}

/// Pure.
fn with_rules(saved: &str) -> BTreeSet<String> {
    let mut table = "";
    let mut found = BTreeSet::new();
    for line in saved.lines() {
        match line.strip_prefix('*') {
            Some(name) => table = name,
            None if line.starts_with("-A ") => {
                found.insert(table.to_owned());
            }
            None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_without_rules_is_none() {
        let saved = "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n\
                     -A INPUT -i eth0 -j ACCEPT\nCOMMIT\n";
        assert_eq!(with_rules(saved), BTreeSet::from(["filter".to_owned()]));
    }
}
