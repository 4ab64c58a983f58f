//! A key is read where it lies, each time that it is needed.

use std::time::Duration;

use crate::common::lab;
use crate::node::{finding, status};

/// A second attempt comes a quarter of a minute after the first.
const SECOND_ATTEMPT: Duration = Duration::from_secs(60);

#[test]
fn a_key_file_that_changes_is_used_at_the_next_need() {
    let Some(lab) = lab("key file") else { return };
    let headscale = lab.headscale().start();
    let user = headscale.user("k8s");
    let host = lab.host("a").start();
    let _tailscaled = host.tailscaled();
    let auth = host.vpn_auth(&headscale, &user.expired_key());
    let mut service = host.moorline_with(["run", "-v", "--vpn-auth", &auth]).start();
    service.says("auth-key-expired", Duration::from_secs(30));
    host.vpn_auth(&headscale, &user.one_time_key());
    service.says("stage from=apart", SECOND_ATTEMPT);
    assert!(headscale.node("a").online);
}

/// What `LoadCredentialEncrypted=` does: the service finds a plain file in a folder of its own.
#[test]
fn a_credential_that_systemd_decrypts_is_a_key() {
    let Some(lab) = lab("credential") else { return };
    let headscale = lab.headscale().start();
    let key = headscale.user("k8s").one_time_key();
    let host = lab.host("a").start();
    let _tailscaled = host.tailscaled();
    let plain = host.secret_file("plain", key.secret());
    let folder = host.folder().join("credentials");
    // This machine's own key to credentials is left alone.
    let line = format!(
        "export SYSTEMD_CREDENTIAL_SECRET={0}/credential.secret; mkdir {1} && cd {1} && \
         systemd-creds encrypt --with-key=host --name=join-key {2} {0}/sealed && rm {2} && \
         systemd-creds decrypt --name=join-key {0}/sealed join-key",
        host.folder().display(),
        folder.display(),
        plain.display(),
    );
    let _ = host.shell(&line).succeeded();
    let auth = format!("{},joinKey=cred:join-key", host.vpn_auth_without_key(&headscale));
    let up = ["up", "--json", "--wait", "joined", "--vpn-auth", &auth];
    let up = host.moorline_with(up).env("CREDENTIALS_DIRECTORY", &folder.display().to_string());
    let _ = up.run().succeeded();
    assert!(headscale.node("a").online);
}

#[test]
fn the_service_says_that_a_literal_key_is_gone_with_it() {
    let Some(lab) = lab("literal key") else { return };
    let headscale = lab.headscale().start();
    let key = headscale.user("k8s").reusable_key();
    let host = lab.host("a").start();
    let _tailscaled = host.tailscaled();
    let auth = host.vpn_auth_without_key(&headscale);
    let literal = format!("{auth},joinKey={}", key.secret());
    let _ = host.moorline(["up", "--wait", "joined", "--vpn-auth", &literal]).succeeded();
    let mut service = host.moorline_with(["run", "-v"]).start();
    service.says("code=\"literal-key\"", Duration::from_secs(30));
    service.interrupt();
    let said = service.finish(Duration::from_secs(5)).ended_with(0);
    assert!(!said.says(key.secret()));

    let _ =
        host.moorline(["up", "--wait", "joined", "--vpn-auth", &host.vpn_auth(&headscale, &key)]);
    let mut service = host.moorline_with(["run", "-v"]).start();
    service.says("stage from=apart", Duration::from_secs(30));
    assert!(!service.said().contains("literal-key"), "{}", service.said());
    assert_eq!(finding(&status(&host), "literal-key"), None);
}
