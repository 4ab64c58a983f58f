//! The real flanneld with its extension backend, which is what k3s runs for its own
//! integration of Tailscale, and the etcd that holds its leases.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::folder;
use crate::lab::{Host, Process};
use crate::{Tailscaled, until};

/// How long they take to get ready, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running flanneld.
pub struct Flanneld {
    process: Arc<Process>,
}

impl Flanneld {
    /// Starts the store of the leases on this host. Its address is the answer.
    ///
    /// # Panics
    /// Where it does not answer.
    pub fn store(host: &Host) -> String {
        let url = format!("http://{}:2379", host.address());
        let (on, at) = (host.clone(), url.clone());
        let process = Process::new(
            Arc::clone(&host.namespace),
            host.lab.log(&format!("{}-etcd", host.name())),
            move || {
                let mut command = on.command(folder("flannel").join("etcd"));
                command.arg("--data-dir").arg(on.folder().join("etcd")).args([
                    "--listen-client-urls",
                    &at,
                    "--advertise-client-urls",
                    &at,
                ]);
                command
            },
        );
        host.lab.keep(process).start();
        until("etcd that answers", PATIENCE, || {
            let answer = host.shell(&format!("curl -sf {url}/health"));
            if answer.code == Some(0) { Ok(()) } else { Err(answer) }
        });
        url
    }

    /// Starts flanneld as k3s configures it for Tailscale: once it has the lease of these pod
    /// CIDRs it runs one command, once.
    ///
    /// # Panics
    /// Where the command does not run.
    pub fn start(host: &Host, tailscaled: &Tailscaled, store: &str, number: u8) -> Flanneld {
        write_config(host, tailscaled, store);
        let lease = host.folder().join("run/flannel/subnet.env");
        write_lease(&lease, number);
        let (on, store) = (host.clone(), store.to_owned());
        let log = host.lab.log(&format!("{}-flanneld", host.name()));
        let process = Process::new(Arc::clone(&host.namespace), log.clone(), move || {
            let mut command = on.command(folder("flannel").join("flanneld"));
            command
                .args(["--iface", "tailscale0", "--etcd-endpoints", &store, "--subnet-file"])
                .arg(&lease);
            command
        });
        let process = host.lab.keep(process);
        process.start();
        until("flanneld that ran its command", PATIENCE, || {
            let said = fs::read_to_string(&log).unwrap_or_default();
            if said.contains("Ran command: ") { Ok(()) } else { Err(said) }
        });
        Flanneld { process }
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.process.is_running()
    }
}

/// k3s's own (`pkg/agent/flannel/setup.go`), but for the socket.
fn write_config(host: &Host, tailscaled: &Tailscaled, store: &str) {
    let tailscale = folder("tailscale").join("tailscale");
    let command = format!(
        "{} --socket {} set --accept-routes --advertise-routes=$SUBNET,$IPV6SUBNET",
        tailscale.display(),
        tailscaled.socket().display()
    );
    let config = json!({
        "EnableIPv6": true,
        "Network": "10.42.0.0/16",
        "IPv6Network": "2001:cafe:42::/48",
        "Backend": {"Type": "extension", "PostStartupCommand": command},
    });
    let file = host.folder().join("flannel.json");
    fs::write(&file, config.to_string()).expect("a file of the host");
    let put = format!(
        "key=$(printf /coreos.com/network/config | base64 -w0); value=$(base64 -w0 <{}); \
         curl -sf {store}/v3/kv/put -d \"{{\\\"key\\\":\\\"$key\\\",\\\"value\\\":\\\"$value\\\"}}\"",
        file.display()
    );
    host.shell(&put).succeeded();
}

/// flanneld asks for the lease that it had.
fn write_lease(file: &Path, number: u8) {
    let text = format!(
        "FLANNEL_NETWORK=10.42.0.0/16\nFLANNEL_SUBNET=10.42.{number}.1/24\n\
         FLANNEL_IPV6_NETWORK=2001:cafe:42::/48\nFLANNEL_IPV6_SUBNET=2001:cafe:42:{number}::1/64\n"
    );
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder of the host");
    fs::write(file, text).expect("a file of the host");
}
