//! The configuration file of a control server that needs nobody else.

use std::path::PathBuf;

use serde_json::json;

use super::certificate;
use crate::lab::Host;

/// The port of the API, the control protocol and the relay.
const PORT: u16 = 8080;

pub(super) fn path(host: &Host) -> PathBuf {
    // YAML is a superset of JSON, but headscale goes by the name.
    host.folder().join("headscale.json")
}

pub(super) fn url(host: &Host) -> String {
    let scheme = if certificate::path(host).exists() { "https" } else { "http" };
    format!("{scheme}://{}:{PORT}", host.address())
}

/// Writes it, in the words of headscale 0.29 (`hscontrol/types/config.go`).
pub(super) fn write(host: &Host) {
    let file = |name: &str| host.folder().join(name);
    let tls = |file: PathBuf| if file.exists() { file } else { PathBuf::new() };
    let config = json!({
        "server_url": url(host),
        "listen_addr": format!("0.0.0.0:{PORT}"),
        "metrics_listen_addr": "",
        "grpc_listen_addr": "127.0.0.1:50443",
        "unix_socket": file("headscale.sock"),
        "unix_socket_permission": "0770",
        "noise": { "private_key_path": file("noise.key") },
        "prefixes": { "v4": "100.64.0.0/10", "v6": "fd7a:115c:a1e0::/48", "allocation": "sequential" },
        "database": { "type": "sqlite", "sqlite": { "path": file("db.sqlite"), "write_ahead_log": true } },
        "derp": {
            "server": {
                "enabled": true,
                "region_id": 999,
                "region_code": "lab",
                "region_name": "lab",
                "verify_clients": true,
                "stun_listen_addr": "0.0.0.0:3478",
                "private_key_path": file("derp.key"),
                "ipv4": host.address(),
                "automatically_add_embedded_derp_region": true,
            },
            "urls": [],
            "paths": [],
            "auto_update_enabled": false,
        },
        "dns": { "magic_dns": false, "override_local_dns": false, "base_domain": "" },
        "policy": { "mode": "file", "path": file("policy.json") },
        "tls_cert_path": tls(certificate::path(host)),
        "tls_key_path": tls(certificate::key(host)),
        "disable_check_updates": true,
        "logtail": { "enabled": false },
        "log": { "level": "debug", "format": "text" },
        // The shortest time that headscale accepts.
        "node": { "expiry": 0, "ephemeral": { "inactivity_timeout": "66s" } },
    });
    std::fs::write(path(host), config.to_string()).expect("headscale's configuration");
}
