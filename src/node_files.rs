//! What the node is, in files for other programs: `node.json`, and `node.env` for shells and
//! units. Written when something in them changes, each replaced whole.

use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnet::IpNet;
use provider_api::ClusterName;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::host::{Snapshot, Stage};

/// The version of `node.json`.
const VERSION: u32 = 1;

/// What the node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// The version of this shape.
    pub version: u32,
    /// How far the node has come.
    pub stage: Stage,
    /// Its name in the network; none where it is no member.
    pub name: Option<String>,
    /// Its addresses there, IPv4 first.
    pub addresses: Vec<IpAddr>,
    /// The interface that carries them.
    pub interface: Option<String>,
    /// The interface's MTU, in bytes.
    pub mtu: Option<u32>,
    /// This node's own pod CIDRs.
    pub pod_cidrs: Vec<IpNet>,
    /// The cluster that it belongs to.
    pub cluster: Option<ClusterName>,
    /// The cluster's CIDRs.
    pub cluster_cidrs: Vec<IpNet>,
}

impl From<&Snapshot> for NodeFacts {
    fn from(snapshot: &Snapshot) -> Self {
        let status = snapshot.status.as_ref();
        let member = status.and_then(|status| status.membership.as_ref());
        NodeFacts {
            version: VERSION,
            stage: status.map_or(Stage::Apart, |status| status.stage),
            name: member.map(|member| member.name.clone()),
            addresses: member.map(|member| member.addresses.clone()).unwrap_or_default(),
            interface: member.map(|member| member.interface.clone()),
            mtu: member.map(|member| member.mtu),
            pod_cidrs: status.map(|status| status.pod_cidrs.clone()).unwrap_or_default(),
            cluster: status.map(|status| status.cluster.clone()),
            cluster_cidrs: status.map(|status| status.cluster_cidrs.clone()).unwrap_or_default(),
        }
    }
}

impl NodeFacts {
    /// The text of `node.json`.
    fn json(&self) -> String {
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{json}\n")
    }

    /// The text of `node.env`. A list has commas between its members; what is not known is empty.
    fn env(&self) -> String {
        let values = [
            ("STAGE", self.stage.to_string()),
            ("HOSTNAME", self.name.clone().unwrap_or_default()),
            ("ADDRESSES", list(&self.addresses)),
            ("INTERFACE", self.interface.clone().unwrap_or_default()),
            ("MTU", self.mtu.map(|mtu| mtu.to_string()).unwrap_or_default()),
            ("POD_CIDRS", list(&self.pod_cidrs)),
            ("CLUSTER", self.cluster.as_ref().map(ToString::to_string).unwrap_or_default()),
            ("CLUSTER_CIDRS", list(&self.cluster_cidrs)),
        ];
        values.map(|(name, value)| format!("{PREFIX}{name}={}\n", plain(&value))).concat()
    }
}

/// No name of `node.env` is one of a setting's variables.
const PREFIX: &str = "MOORLINE_NODE_";

fn list<T: ToString>(all: &[T]) -> String {
    all.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

/// A shell runs what it reads: a name from elsewhere that could be more than a word is left out.
fn plain(value: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/,".contains(c);
    if value.chars().all(plain) { value } else { "" }
}

/// Keeps the files as the snapshots have it, for as long as it is polled. A service that ends
/// leaves them: what they tell of lives on.
pub async fn keep(run_dir: PathBuf, mut snapshots: watch::Receiver<Arc<Snapshot>>) {
    let mut written = None;
    // The first snapshot is of a service that has not looked yet.
    while snapshots.changed().await.is_ok() {
        let facts = NodeFacts::from(&**snapshots.borrow_and_update());
        if written.as_ref() == Some(&facts) {
            continue;
        }
        match write(&run_dir, &facts) {
            Ok(()) => written = Some(facts),
            Err(error) => tracing::warn!(%error, "cannot write the node's files"),
        }
    }
}

fn write(run_dir: &Path, facts: &NodeFacts) -> io::Result<()> {
    replace(&run_dir.join("node.env"), &facts.env())?;
    replace(&run_dir.join("node.json"), &facts.json())
}

/// Whoever reads gets the old text or the new one. Lost with the next boot, so nothing is synced.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if std::fs::read(path).is_ok_and(|before| before == text.as_bytes()) {
        return Ok(());
    }
    let new = path.with_added_extension("new");
    let mut file = std::fs::OpenOptions::new();
    let mut file = file.create(true).truncate(true).write(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    rustix::fs::fchmod(&file, rustix::fs::Mode::from_raw_mode(0o644))?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;
    use proptest::prelude::*;
    use std::os::unix::fs::MetadataExt;

    fn facts() -> NodeFacts {
        NodeFacts {
            version: VERSION,
            stage: Stage::Proven,
            name: Some("node-1".into()),
            addresses: ["100.64.0.1", "fd7a:115c:a1e0::1"].map(|text| text.parse().unwrap()).into(),
            interface: Some("tailscale0".into()),
            mtu: Some(1280),
            pod_cidrs: vec!["10.42.1.0/24".parse().unwrap()],
            cluster: Some("default".parse().unwrap()),
            cluster_cidrs: vec!["10.42.0.0/16".parse().unwrap()],
        }
    }

    #[test]
    fn the_variables() {
        let expected = "\
MOORLINE_NODE_STAGE=proven
MOORLINE_NODE_HOSTNAME=node-1
MOORLINE_NODE_ADDRESSES=100.64.0.1,fd7a:115c:a1e0::1
MOORLINE_NODE_INTERFACE=tailscale0
MOORLINE_NODE_MTU=1280
MOORLINE_NODE_POD_CIDRS=10.42.1.0/24
MOORLINE_NODE_CLUSTER=default
MOORLINE_NODE_CLUSTER_CIDRS=10.42.0.0/16
";
        assert_eq!(facts().env(), expected);
        assert!(include_str!("../docs/reference/control-socket.md").contains(expected));
    }

    #[test]
    fn a_name_that_a_shell_would_run_is_left_out() {
        for name in ["$(reboot)", "a b", "a\nPATH=/tmp", "`x`", "a;b", "'", "a\\b", "~"] {
            let facts = NodeFacts { name: Some(name.into()), ..facts() };
            assert!(facts.env().contains("\nMOORLINE_NODE_HOSTNAME=\n"), "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_line_is_one_assignment(name in any::<String>(), interface in any::<String>()) {
            let facts = NodeFacts { name: Some(name), interface: Some(interface), ..facts() };
            prop_assert_eq!(facts.env().lines().count(), 8);
            for line in facts.env().lines() {
                let (_, value) = line.split_once('=').unwrap();
                prop_assert_eq!(plain(value), value);
            }
        }
    }

    #[test]
    fn a_service_without_a_network_is_apart() {
        let none = NodeFacts::from(&example::snapshot(None));
        assert_eq!((none.stage, none.name.as_deref()), (Stage::Apart, None));
        assert!(none.env().starts_with("MOORLINE_NODE_STAGE=apart\nMOORLINE_NODE_HOSTNAME=\n"));
    }

    #[tokio::test]
    async fn files_are_replaced_when_something_changes_and_only_then() {
        let folder = tempfile::tempdir().unwrap();
        let (sender, receiver) = watch::channel(Arc::new(example::snapshot(None)));
        let inode = || std::fs::metadata(folder.path().join("node.json")).map(|file| file.ino());
        let told = async {
            let settled = async || {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
            };
            settled().await;
            assert!(inode().is_err(), "nothing was seen yet");
            sender.send_replace(Arc::new(example::snapshot(None)));
            settled().await;
            let first = inode().unwrap();
            sender.send_replace(Arc::new(example::snapshot(None)));
            settled().await;
            assert_eq!(inode().unwrap(), first);
            sender.send_replace(Arc::new(example::snapshot(Some(example::report()))));
            settled().await;
            assert_ne!(inode().unwrap(), first);
        };
        tokio::select! {
            () = keep(folder.path().to_owned(), receiver) => {}
            () = told => {}
        }
        let metadata = std::fs::metadata(folder.path().join("node.env")).unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o644);
        let json = std::fs::read(folder.path().join("node.json")).unwrap();
        let read: NodeFacts = serde_json::from_slice(&json).unwrap();
        assert_eq!(read, NodeFacts::from(&example::snapshot(Some(example::report()))));
    }
}
