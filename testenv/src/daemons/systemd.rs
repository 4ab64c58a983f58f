//! The real systemd on a host: its process 1, with only the units that a test knows of.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::lab::{Host, Process};
use crate::{Run, until};

/// How long systemd takes to start, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
const PROGRAM: &str = "/lib/systemd/systemd";

/// The targets that every unit and every boot stand on: nothing of the machine itself starts.
const TARGETS: [&str; 6] = ["basic", "multi-user", "network", "shutdown", "sysinit", "umount"];

/// Has a control group of its own, at the top of a namespace of control groups, and `/dev`
/// without the machine's devices. What is mounted below `/run` is seen on the whole host, as
/// on a machine that systemd has started.
const BOOT: &str = r#"
set -eu
host=$1 group=$2
mount -t cgroup2 cgroup2 /mnt
mkdir -p "/mnt/$group"
echo $$ >"/mnt/$group/cgroup.procs"
umount /mnt
exec unshare --cgroup --pid --ipc --fork --kill-child --propagation unchanged --mount sh -eu -c '
    mount -t proc proc /proc
    umount -l /sys/fs/cgroup 2>/dev/null || true
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mount -t tmpfs dev /mnt
    mkdir /mnt/net
    for device in null zero full random urandom tty net/tun; do
        : >"/mnt/$device"
        mount --bind "/dev/$device" "/mnt/$device"
    done
    mount --move /mnt /dev
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=lab \
        SYSTEMD_UNIT_PATH=/etc/systemd/system:"$1/units" /lib/systemd/systemd \
        --system --unit=multi-user.target
' boot "$host"
"#;

/// Ends with the group's last process.
const CLEAN: &str = r#"
mount -t cgroup2 cgroup2 /mnt || exit 0
[ ! -d "/mnt/$1" ] || find "/mnt/$1" -depth -type d -exec rmdir {} +
"#;

/// A host's service manager.
pub struct Systemd {
    host: Host,
    process: Arc<Process>,
}

impl Systemd {
    /// Starts it, and waits until it answers; none, and a line that says so, where this machine
    /// has no systemd.
    ///
    /// # Panics
    /// Where it does not answer, and with `TESTENV_STRICT=1` where there is none.
    pub(crate) fn start(host: &Host) -> Option<Systemd> {
        if !Path::new(PROGRAM).exists() {
            let strict = std::env::var_os("TESTENV_STRICT").is_some_and(|strict| strict == "1");
            assert!(!strict, "{}: needs {PROGRAM}", host.name());
            crate::lab::say(&format!("{}: skipped: needs {PROGRAM}", host.name()));
            return None;
        }
        furnish(host);
        let on = host.clone();
        let group = format!("{}-{}", host.lab.id(), host.name());
        let clean = group.clone();
        let process = Process::new(Arc::clone(&host.namespace), log(host), move || {
            let mut command = on.command("unshare");
            let words = ["--mount", "--propagation", "unchanged", "sh", "-c", BOOT, "boot"];
            command.args(words).arg(on.folder()).arg(&group);
            command
        });
        let process = host.lab.keep(process);
        let systemd = Systemd { host: host.clone(), process: Arc::clone(&process) };
        host.lab.at_the_end(move || {
            process.kill();
            until("a control group that is empty", PATIENCE, || clean_up(&clean));
        });
        systemd.boot();
        Some(systemd)
    }

    fn boot(&self) {
        self.process.start();
        self.bring_systemctl();
        until("systemd that has started", PATIENCE, || {
            let answer = self.host.shell("systemctl is-system-running");
            match answer.stdout.trim() {
                "running" | "degraded" => Ok(()),
                _ => Err(answer),
            }
        });
    }

    /// systemd answers only those whose process it can see: those in its own namespace.
    fn bring_systemctl(&self) {
        let pid = until("process 1 of a host", PATIENCE, || self.init());
        let script = self.host.folder().join("systemctl");
        let text =
            format!("#!/bin/sh\nexec nsenter --target {pid} --mount --pid systemctl \"$@\"\n");
        fs::write(&script, text).expect("a script");
        let line =
            format!("chmod 755 {0} && mount --bind {0} $(command -v systemctl)", script.display());
        self.host.shell(&line).succeeded();
    }

    /// The process that systemd is, outside of its namespace.
    fn init(&self) -> Result<String, String> {
        let pid = self.process.pid().unwrap_or_default();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let child = children.unwrap_or_default().trim().to_owned();
        match fs::read_to_string(format!("/proc/{child}/comm")) {
            Ok(name) if name == "systemd\n" => Ok(child),
            answer => Err(format!("{child}: {answer:?}")),
        }
    }

    /// Writes a unit of the machine, as a package does.
    ///
    /// # Panics
    /// Where it cannot be written, or not be read.
    pub fn unit(&self, name: &str, text: &str) {
        fs::write(self.host.folder().join("units").join(name), text).expect("a unit");
        self.systemctl(&["daemon-reload"]).succeeded();
    }

    /// `systemctl` with these words.
    pub fn systemctl(&self, words: &[&str]) -> Run {
        self.host.shell(&format!("systemctl {}", words.join(" ")))
    }

    /// A property of a unit, such as `MainPID`.
    ///
    /// # Panics
    /// Where systemd does not tell.
    pub fn property(&self, unit: &str, name: &str) -> String {
        let run = self.systemctl(&["show", "--value", "--property", name, unit]);
        run.succeeded().stdout.trim().to_owned()
    }
}

/// `/run` is shared with systemd; the machine's units, and what its systemd keeps, are none of
/// the host's.
fn furnish(host: &Host) {
    let units: PathBuf = host.folder().join("units");
    fs::create_dir_all(&units).expect("a folder of the host");
    for target in TARGETS {
        let text = format!("[Unit]\nDescription=The lab's {target}\nDefaultDependencies=no\n");
        fs::write(units.join(format!("{target}.target")), text).expect("a unit");
    }
    let line = "mkdir -p /etc/systemd/system && mount -t tmpfs units /etc/systemd/system && \
                mount --make-rshared /run && mkdir -p /var/lib/systemd && \
                mount -t tmpfs secrets /var/lib/systemd && \
                echo 0123456789abcdef0123456789abcdef >/etc/machine-id";
    host.shell(line).succeeded();
}

fn log(host: &Host) -> PathBuf {
    host.lab.log(&format!("{}-systemd", host.name()))
}

fn clean_up(group: &str) -> Result<(), String> {
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "sh", "-c", CLEAN, "clean", group]);
    let output = command.output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}
