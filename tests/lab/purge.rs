//! `uninstall --purge` leaves a machine as it was before Moorline came.

use testenv::{Host, Lab, Tailscaled, until};

use crate::common::lab;
use crate::refusal::SOON;
use crate::scene::{AUTO_APPROVED, Scene};
use crate::snapshot::Snapshot;

/// A host of the lab where pods are reached as soon as it has joined, and what it looks like.
struct Machine {
    host: Host,
    tailscaled: Tailscaled,
}

impl Machine {
    fn new(lab: &Lab) -> Machine {
        let host = lab.host("a").without_forwarding().start();
        let tailscaled = host.tailscaled();
        host.shell("install -D -m 600 /dev/null /etc/moorline/theirs").succeeded();
        std::fs::write(host.config_file(), "# Theirs.\n").expect("a config file");
        Machine { host, tailscaled }
    }

    fn snapshot(&self) -> Snapshot {
        let state = self.host.state_dir().display().to_string();
        let run = self.host.folder().join("run/moorline").display().to_string();
        let config = self.host.config_file().display().to_string();
        let folders = ["/etc/moorline", "/etc/systemd/system", &state, &run, &config];
        Snapshot::of(&self.host, &folders).with_prefs(&self.tailscaled)
    }

    fn up(&self, auth: &str) {
        let words = ["up", "--json", "--vpn-auth", auth, "--cluster-cidr"];
        let more = ["10.42.0.0/16,2001:cafe:42::/48", "--pod-cidr"];
        let pods = ["10.42.1.0/24,2001:cafe:42:1::/64"];
        self.host.moorline([&words[..], &more, &pods].concat()).succeeded();
    }

    fn purge(&self) -> serde_json::Value {
        self.host.moorline(["uninstall", "--purge", "--json"]).succeeded().json()
    }

    /// Once what tailscaled tears down by itself is gone.
    fn is_as(&self, before: &Snapshot) {
        until("a machine as it was", SOON, || {
            let differences = before.differences(&self.snapshot());
            if differences.is_empty() { Ok(()) } else { Err(differences) }
        });
    }
}

#[test]
fn a_machine_that_moorline_enrolled_is_as_it_was() {
    let Some(lab) = lab("a purge") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let _b = scene.joined(lab.host("b"), 2);
    let a = Machine::new(&lab);
    let auth = scene.auth(&a.host);
    // A first login leaves tailscaled's own traces: void chains, and one kernel setting.
    scene.enrol(&a.tailscaled);
    a.tailscaled.tailscale(&["logout"]);
    let before = a.snapshot();
    a.up(&auth);
    let made = before.differences(&a.snapshot());
    for look in
        ["links", "addresses", "routes", "rules", "nftables", "pins", "kernel", "files", "prefs"]
    {
        assert!(made.name(&format!("{look} +")), "{look} sees nothing: {made:?}");
    }

    let purged = a.purge();
    a.is_as(&before);
    assert_eq!(purged["findings"], serde_json::json!([]), "{purged:#}");
    let again = a.purge();
    assert_eq!(again["changes"]["changes"], serde_json::json!([]), "{again:#}");
    a.is_as(&before);
}

#[test]
fn an_adopted_machine_is_as_it_was_and_stays_enrolled() {
    let Some(lab) = lab("a purge of an adopted node") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let a = Machine::new(&lab);
    let auth = scene.auth(&a.host);
    scene.enrol(&a.tailscaled);
    let before = a.snapshot();
    a.up(&auth);
    assert!(before.differences(&a.snapshot()).name("prefs"));
    a.purge();
    a.is_as(&before);
}

#[test]
fn what_a_leave_left_behind_is_turned_back_later() {
    let Some(lab) = lab("a leave and a purge") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let a = Machine::new(&lab);
    let auth = scene.auth(&a.host);
    scene.enrol(&a.tailscaled);
    a.tailscaled.tailscale(&["logout"]);
    let before = a.snapshot();
    a.up(&auth);
    a.host.moorline(["leave"]).succeeded();
    assert!(before.differences(&a.snapshot()).name("ip_forward"));
    a.purge();
    a.is_as(&before);
}

/// A leave that fails is no reason to forget what there is to take back.
#[test]
fn a_machine_whose_daemon_is_away_is_purged_once_it_is_back() {
    let Some(lab) = lab("a purge without a daemon") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let a = Machine::new(&lab);
    let auth = scene.auth(&a.host);
    scene.enrol(&a.tailscaled);
    let before = a.snapshot();
    a.up(&auth);
    a.tailscaled.stop();
    let refused = a.host.moorline(["uninstall", "--purge", "--json"]).ended_with(7).json();
    assert!(refused["error"]["fix"].to_string().contains("--forget"), "{refused:#}");
    a.tailscaled.start();
    a.purge();
    a.is_as(&before);
}

/// Nothing is remembered, as where somebody removed the state by hand.
#[test]
fn what_is_known_by_its_name_goes_without_memory_too() {
    let Some(lab) = lab("a purge without memory") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let a = Machine::new(&lab);
    let auth = scene.auth(&a.host);
    scene.enrol(&a.tailscaled);
    let before = a.snapshot();
    a.up(&auth);
    a.tailscaled.stop();
    let forgot = a.host.moorline(["uninstall", "--purge", "--forget", "--json"]).succeeded().json();
    assert_eq!(forgot["findings"][0]["code"], "purge-forgot", "{forgot:#}");
    a.tailscaled.start();
    a.up(&auth);
    std::fs::remove_dir_all(a.host.state_dir()).expect("a state");

    let told = a.host.moorline(["uninstall", "--purge", "--dry-run", "--json"]).succeeded().json();
    assert!(told["changes"]["changes"].to_string().contains("run/moorline"), "{told:#}");
    a.purge();
    until("nothing but forgotten settings", SOON, || {
        let left = before.differences(&a.snapshot()).without("prefs").without("kernel");
        // The kernel has one for each link while it forwards.
        let left = left.without("routes + anycast");
        if left.is_empty() { Ok(()) } else { Err(left) }
    });
}
