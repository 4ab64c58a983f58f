//! The service with a provider in another process: the fake one, which needs no daemon.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use testenv::fake::{FakePlugin, FakeWorld, JOIN_KEY, pod_cidr};
use testenv::{Host, Lab, Running, until};

use crate::common::lab;
use crate::refusal::SOON;

/// Longer than a plugin may take for a look, and than the service waits before it asks again.
const AFTER_A_HANG: Duration = Duration::from_secs(60);

/// A node whose network is served by a plugin.
struct Kept {
    host: Host,
    plugin: FakePlugin,
    world: FakeWorld,
    service: Running,
}

impl Kept {
    fn new(lab: &Lab) -> Kept {
        let program = Path::new(env!("CARGO_BIN_EXE_moorline")).with_file_name("fake-plugin");
        let plugin = FakePlugin::install(&program, None);
        let host = lab.host("a").start();
        let key = host.secret_file("join-key", JOIN_KEY);
        let vpn_auth = format!("name=fake,joinKey=file:{}", key.display());
        let words = ["run", "-v", "--vpn-auth", &vpn_auth, "--pod-cidr=10.42.1.0/24"];
        let folder = plugin.folder().display().to_string();
        let service = host.moorline_with(words).env("MOORLINE_PLUGIN_DIR", &folder).start();
        let kept = Kept { host, world: plugin.world(), plugin, service };
        kept.is_whole("a node that the service joined", SOON);
        kept
    }

    /// The service's own children.
    fn plugins(&self) -> Vec<String> {
        let children = self.host.shell(&format!("pgrep -P {}", self.service.pid()));
        children.stdout.lines().map(str::to_owned).collect()
    }

    /// Sends the plugin a signal and breaks something meanwhile, which needs another process of
    /// the plugin to be mended.
    fn survives(&self, signal: &str) {
        let [plugin] = &self.plugins()[..] else { panic!("{:?}", self.plugins()) };
        self.host.shell(&format!("kill -{signal} {plugin}")).succeeded();
        self.host.shell("sysctl -qw net.ipv4.ip_forward=0").succeeded();
        until(&format!("forwarding again after {signal}"), AFTER_A_HANG, || {
            let forwards = self.host.shell("cat /proc/sys/net/ipv4/ip_forward").stdout == "1\n";
            match &self.plugins()[..] {
                [another] if forwards && another != plugin => Ok(()),
                others => Err(format!("{forwards} {others:?}\n{}", self.service.said())),
            }
        });
    }

    /// Waits until the node offers its route.
    fn is_whole(&self, what: &str, deadline: Duration) {
        until(what, deadline, || {
            let world = self.world.snapshot();
            let offers =
                world["routes"].as_array().is_some_and(|routes| routes == &["10.42.1.0/24"]);
            if offers { Ok(()) } else { Err(format!("{world}\n{}", self.service.said())) }
        });
    }
}

#[test]
fn a_node_is_kept_by_a_plugin_whatever_becomes_of_its_process() {
    let Some(lab) = lab("plugin") else { return };
    let kept = Kept::new(&lab);
    kept.world.withdraw(pod_cidr(1));
    kept.is_whole("a route that was taken back", SOON);
    kept.survives("KILL");
    kept.survives("STOP");

    let folder = kept.plugin.folder().display().to_string();
    let status = kept.host.moorline_with(["status"]).env("MOORLINE_PLUGIN_DIR", &folder).run();
    assert!(status.succeeded().says("network  fake 0"));
    let plugins = kept.plugins();
    kept.service.interrupt();
    kept.service.finish(Duration::from_secs(1)).ended_with(0);
    let left = kept.host.shell(&format!("ps -o pid= -p {}", plugins.join(",")));
    assert_eq!(left.stdout, "", "the plugin ends with its host");
}

#[test]
fn a_plugin_that_always_dies_is_told_of_and_not_started_in_a_loop() {
    let Some(lab) = lab("plugin dies") else { return };
    let kept = Kept::new(&lab);
    let (plugin, good) = (kept.plugin.executable(), kept.plugin.folder().join("good"));
    let starts = kept.plugin.folder().join("starts");
    fs::rename(&plugin, &good).expect("a plugin to be kept aside");
    let script = format!("#!/bin/sh\necho start >> {}\nexit 3\n", starts.display());
    fs::write(&plugin, script).expect("a broken plugin");
    fs::set_permissions(&plugin, Permissions::from_mode(0o755)).expect("a mode");
    let [running] = &kept.plugins()[..] else { panic!("{:?}", kept.plugins()) };
    kept.host.shell(&format!("kill -KILL {running}")).succeeded();
    until("a service that tells of it", SOON, || {
        let said = kept.service.said();
        if said.contains("exit status: 3") { Ok(()) } else { Err(said) }
    });

    fs::rename(&good, &plugin).expect("the plugin that works");
    kept.world.withdraw(pod_cidr(1));
    kept.is_whole("a route by the plugin that works again", AFTER_A_HANG);
    let starts = fs::read_to_string(starts).expect("starts").lines().count();
    assert!(starts <= 4, "{starts} starts");
}
