//! The service under the real systemd.

use std::fs;
use std::time::Duration;

use testenv::{Traffic, until};

use crate::refusal::{SOON, stays};
use crate::scene::{AUTO_APPROVED, Scene};
use crate::served::{Served, UNIT, changes, lab};
use crate::snapshot::Snapshot;

#[test]
fn a_service_that_hangs_is_started_again_and_one_that_works_is_left_alone() {
    let Some(lab) = lab("a service that hangs") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let Some(a) = Served::new(&lab, &scene) else { return };
    a.write(
        "/etc/systemd/system/moorline.service.d/watchdog.conf",
        "[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\n",
    );
    a.install(&[]);
    a.is("StatusText", "proven");
    stays("a service that is left alone", Duration::from_secs(5), || {
        match a.systemd.property(UNIT, "NRestarts") {
            none if none == "0" => Ok(()),
            more => Err(more),
        }
    });
    a.systemd.systemctl(&["kill", "--signal=STOP", UNIT]).succeeded();
    a.is("NRestarts", "1");
    a.is("StatusText", "proven");
}

#[test]
fn wrong_settings_are_not_tried_again_until_somebody_mends_them() {
    let Some(lab) = lab("a service with wrong settings") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let Some(a) = Served::new(&lab, &scene) else { return };
    a.install(&["--no-start"]);
    let good = fs::read_to_string(a.host.config_file()).expect("settings");
    fs::write(a.host.config_file(), format!("colour = 1\n{good}")).expect("settings");
    let refused = a.systemd.systemctl(&["start", UNIT]);
    assert_ne!(refused.code, Some(0), "{refused:?}");
    a.is("ActiveState", "failed");
    assert_eq!(a.systemd.property(UNIT, "NRestarts"), "0");
    fs::write(a.host.config_file(), good).expect("settings");
    a.systemd.systemctl(&["start", UNIT]).succeeded();
    a.is("StatusText", "proven");
}

/// With a key that somebody typed, on a machine that forwarded nothing.
#[test]
fn a_service_that_is_purged_leaves_the_machine_as_it_was() {
    let Some(lab) = lab("a service, purged") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let Some(mut a) = Served::new(&lab, &scene) else { return };
    // tailscaled's own traces of a first login.
    scene.enrol(&a.tailscaled);
    a.tailscaled.tailscale(&["logout"]);
    a.vpn_auth = scene.auth_with_key(&a.host);
    a.host.moorline(["policy", "print", "--tag", "tag:k8s"]).succeeded();
    let folder = a.host.folder().display().to_string();
    let places = ["config.toml*", "key", "state", "run/moorline"];
    let places = places.map(|place| format!("{folder}/{place}")).join(" ");
    let look =
        || Snapshot::of(&a.host, &["/etc/systemd/system", &places]).with_prefs(&a.tailscaled);
    let before = look();

    a.install(&[]);
    a.is("StatusText", "proven");
    let taken = a.host.moorline(["uninstall", "--purge", "--json"]).succeeded();
    until("a machine as it was", SOON, || {
        let differences = before.differences(&look());
        if differences.is_empty() { Ok(()) } else { Err(differences) }
    });
    assert_eq!(taken.json()["findings"], serde_json::json!([]), "{taken:?}");
}

/// Once its interface is deleted tailscaled ends by itself, and systemd leaves it so.
#[test]
fn a_daemon_that_systemd_leaves_dead_is_started_by_the_service() {
    let Some(lab) = lab("a service and its daemon") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let host = lab.host("a").start();
    let Some(systemd) = host.systemd() else { return };
    let tailscaled = host.tailscaled_absent();
    systemd.unit("tailscaled.service", &tailscaled.unit());
    systemd.systemctl(&["start", "tailscaled.service"]).succeeded();
    let a = Served::on(&lab, host, systemd, tailscaled, &scene);
    a.install(&[]);
    a.is("StatusText", "proven");
    let daemon = a.systemd.property("tailscaled.service", "MainPID");
    a.host.shell("ip link delete tailscale0").succeeded();
    until("another tailscaled", SOON, || {
        match a.systemd.property("tailscaled.service", "MainPID") {
            now if now != daemon && now != "0" => Ok(()),
            now => Err((now, a.systemd.property(UNIT, "StatusText"))),
        }
    });
    a.is("StatusText", "proven");
}

#[test]
fn a_key_that_only_this_machine_can_decrypt_reaches_the_service_alone() {
    let Some(lab) = lab("a service with a credential") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let Some(mut a) = Served::new(&lab, &scene) else { return };
    let key = a.host.folder().join("join-key");
    a.vpn_auth = scene.auth_with(&a.host, "cred:sealed");
    let refused = a.host.moorline(["install", "--json", "--vpn-auth", &a.vpn_auth]).ended_with(2);
    assert_eq!(refused.json()["error"]["code"], "credential-missing");
    let store = "/etc/credstore.encrypted";
    let seal = format!(
        "mkdir -p {store} && systemd-creds encrypt --with-key=host --name=sealed {} {store}/sealed",
        key.display()
    );
    a.host.shell(&seal).succeeded();
    std::fs::remove_file(&key).expect("the key in the open");
    a.install(&[]);
    a.is("StatusText", "proven");
}

#[test]
fn a_key_in_the_kernels_keyring_reaches_the_service_and_goes_with_a_purge() {
    let Some(lab) = lab("a service with a keyring") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let Some(mut a) = Served::new(&lab, &scene) else { return };
    let key = a.host.folder().join("join-key");
    let state = a.host.state_dir();
    let place = format!("MOORLINE_STATE_DIR={}", state.display());
    let program = lab.logs().join("moorline");
    let set = format!("{place} {} secret set sealed <{}", program.display(), key.display());
    a.host.shell(&set).succeeded();
    std::fs::remove_file(&key).expect("the key in the open");
    a.vpn_auth = scene.auth_with(&a.host, "keyring:sealed");
    a.install(&[]);
    a.is("StatusText", "proven");
    let taken = changes(&a.host.moorline(["uninstall", "--purge", "--json"]).succeeded());
    assert!(taken.contains(&"- keyring:sealed: present".to_owned()), "{taken:?}");
    let keys = a.host.moorline(["secret", "list", "--json"]).succeeded();
    assert!(!keys.says("sealed"), "{keys:?}");
}

#[test]
fn systemd_keeps_the_node_joined_and_stopping_it_cuts_nothing() {
    let Some(lab) = lab("a service") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let b = scene.joined(lab.host("b"), 2);
    let Some(a) = Served::new(&lab, &scene) else { return };

    a.host.shell("echo moorline:x:998: >>/etc/group").succeeded();
    a.install(&["--no-start"]);
    a.is("UnitFileState", "enabled");
    assert_eq!(a.systemd.property(UNIT, "ActiveState"), "inactive");
    a.systemd.systemctl(&["start", "boot.target"]).succeeded();
    a.is("ActiveState", "active");
    let entered = |unit| -> u64 {
        let time = a.systemd.property(unit, "ActiveEnterTimestampMonotonic");
        time.parse().expect("a time")
    };
    assert!(entered(UNIT) <= entered("k3s.service"), "Kubernetes finds the node joined");
    a.is("StatusText", "proven");

    let folder = a.host.folder().display();
    let look = "stat -c '%a %g' . node.json node.env control.sock";
    let modes = a.host.shell(&format!("cd {folder}/run/moorline && {look}"));
    assert_eq!(modes.stdout, "755 0\n644 0\n644 0\n660 998\n", "who may read what");

    let (pid, pinned) = (a.pid(), a.pinned());
    assert_eq!(changes(&a.install(&[])), [""; 0], "all is installed");
    assert_eq!(a.pid(), pid, "and nothing is started again");

    let (here, there) = (a.host.pod("pod", "10.42.1.10/24 2001:cafe:42:1::10/64"), b.a_pod());
    there.serve();
    let reached = || assert_eq!(here.fetch(there.v4()).from_address(), here.v4());
    reached();
    let stopped = a.systemd.systemctl(&["stop", UNIT]).succeeded();
    assert!(stopped.duration < Duration::from_secs(2), "{stopped:?}");
    assert_eq!(a.pinned(), pinned, "the canary outlives the service");
    reached();
    assert_eq!(b.moorline(["status", "--json", "--prove"]).json()["stage"], "proven");

    a.systemd.systemctl(&["start", UNIT]).succeeded();
    a.is("StatusText", "proven");
    assert_eq!(a.pinned(), pinned, "and is found again");

    a.systemd.systemctl(&["kill", "--signal=KILL", UNIT]).succeeded();
    a.is("NRestarts", "1");
    a.is("StatusText", "proven");

    let taken = changes(&a.host.moorline(["uninstall", "--json"]).succeeded());
    assert!(taken.iter().any(|change| change == "- moorline.service: enabled"), "{taken:?}");
    a.is("LoadState", "not-found");
    a.host.shell("test -e /etc/systemd/system/moorline.service.d/log.conf").succeeded();
    a.host.shell("test ! -e /etc/systemd/system/moorline.service").succeeded();
    reached();
}
