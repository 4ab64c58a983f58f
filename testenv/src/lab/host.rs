//! A host: a namespace with its own /etc, /run and hostname.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use serde_json::Value;

use super::outlet::Outlet;
use super::process::mortal;
use super::{Inner, Namespace, Run};
use crate::{Headscale, Systemd, Tailscaled};

/// A machine of the lab.
#[derive(Clone)]
pub struct Host {
    pub(crate) lab: Arc<Inner>,
    pub(crate) namespace: Arc<Namespace>,
    name: String,
    address: Ipv4Addr,
    pub(crate) outlet: Outlet,
    folder: PathBuf,
}

impl Host {
    pub(crate) fn boot(
        lab: Arc<Inner>,
        name: String,
        namespace: Arc<Namespace>,
        address: Ipv4Addr,
        outlet: Outlet,
    ) -> Host {
        let folder = lab.folder(&name);
        furnish(&lab, &name, &folder, &namespace);
        Host { lab, namespace, name, address, outlet, folder }
    }

    /// Its name in the lab, and its hostname.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address on its own interface.
    pub fn address(&self) -> IpAddr {
        self.address.into()
    }

    /// The IPv6 address on its own interface.
    ///
    /// # Panics
    /// Where the host was not made with one.
    pub fn address6(&self) -> IpAddr {
        self.outlet.address6.expect("a host made `with_ipv6`").into()
    }

    /// The address that the internet sees: its router's, if it is behind one.
    pub fn outer_address(&self) -> IpAddr {
        self.outlet.address.into()
    }

    /// The host's own folder, at the same path on the host and outside of it. Below it, `run`
    /// is the host's `/run`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The real tailscaled, started here. At most one per host.
    pub fn tailscaled(&self) -> Tailscaled {
        let tailscaled = self.tailscaled_absent();
        tailscaled.start();
        tailscaled
    }

    /// The same, installed but not started.
    pub fn tailscaled_absent(&self) -> Tailscaled {
        fs::create_dir_all(self.folder.join("tailscaled")).expect("tailscaled's state directory");
        Tailscaled::new(self.clone(), None)
    }

    /// The same, started by a configuration file, as `tailscaled --config` takes it.
    pub fn tailscaled_by_config(&self, config: &Value) -> Tailscaled {
        fs::create_dir_all(self.folder.join("tailscaled")).expect("tailscaled's state directory");
        let file = self.secret_file("tailscaled.json", &config.to_string());
        let tailscaled = Tailscaled::new(self.clone(), Some(file));
        tailscaled.start();
        tailscaled
    }

    /// The real systemd, started here; none, and a line that says so, where this machine has no
    /// systemd. At most one per host.
    pub fn systemd(&self) -> Option<Systemd> {
        Systemd::start(self)
    }

    /// From now on this host's programs trust the certificate of an https control server.
    pub fn trust(&self, headscale: &Headscale) {
        let bundle = Path::new("/etc/ssl/certs/ca-certificates.crt");
        let certificate = headscale.certificate();
        self.namespace.run(move || {
            fs::create_dir_all("/etc/ssl/certs").expect("the host's own /etc");
            fs::write(bundle, certificate).expect("the host's own certificates");
        });
        fs::write(self.trust_mark(), "").expect("a file of the host");
    }

    pub(crate) fn trusts_a_server(&self) -> bool {
        self.trust_mark().exists()
    }

    fn trust_mark(&self) -> PathBuf {
        self.folder.join("trusts")
    }

    /// Moves the calling thread onto this host's network, for good: what it opens and starts
    /// from now on is there. For code under test that runs in the test's own process.
    pub fn enter(&self) {
        self.namespace.enter();
    }

    /// Runs a line of shell on this host, as an administrator does.
    pub fn shell(&self, line: &str) -> Run {
        let mut shell = self.command("sh");
        shell.args(["-c", line]);
        self.run(&shell)
    }

    /// A command, set up to run on this host with a clean environment.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("HOME", &self.folder);
        command
    }

    /// Runs a command on this host to its end.
    pub(crate) fn run(&self, command: &Command) -> Run {
        use std::os::unix::process::ExitStatusExt;
        use std::process::Stdio;
        let started = Instant::now();
        let mut command = mortal(command, None);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.namespace.spawn(command).expect("a command on a host");
        let output = child.wait_with_output().expect("waiting for a command");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let status = output.status;
        Run {
            code: status.code(),
            signal: status.signal(),
            stdout,
            stderr,
            duration: started.elapsed(),
        }
    }
}

/// Gives the namespace's thread, and all it starts, a hostname, `/etc` and `/run` of its own:
/// tailscaled rewrites resolv.conf, and must not meet the machine's own daemons.
fn furnish(lab: &Arc<Inner>, name: &str, folder: &Path, namespace: &Namespace) {
    for part in ["etc", "etc.work", "run", "run/netns"] {
        fs::create_dir_all(folder.join(part)).expect("a folder of the host");
    }
    let root = lab.root().to_owned();
    let lab_on_host = folder.join(root.strip_prefix("/").expect("an absolute path"));
    fs::create_dir_all(&lab_on_host).expect("a folder of the host");
    let (folder, name) = (folder.to_owned(), name.to_owned());
    namespace.run(move || {
        unshare(CloneFlags::CLONE_FS | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS)
            .expect("a mount namespace");
        nix::unistd::sethostname(&name).expect("a hostname");
        hang(None, Path::new("/"), MsFlags::MS_REC | MsFlags::MS_PRIVATE);
        // Else this host would keep namespaces alive that are deleted elsewhere.
        let _ = umount2("/run/netns", MntFlags::MNT_DETACH);
        overlay(Path::new("/etc"), &folder);
        hang(Some(&root), &lab_on_host, MsFlags::MS_BIND);
        hang(Some(&folder.join("run")), Path::new("/run"), MsFlags::MS_BIND | MsFlags::MS_REC);
        fs::write("/etc/hosts", format!("127.0.0.1 localhost {name}\n::1 localhost\n"))
            .expect("the host's /etc/hosts");
        let _ = fs::remove_file("/etc/resolv.conf");
        fs::write("/etc/resolv.conf", "# This host has no name server.\n")
            .expect("the host's /etc/resolv.conf");
    });
}

fn hang(source: Option<&Path>, target: &Path, flags: MsFlags) {
    mount(source, target, None::<&str>, flags, None::<&str>)
        .unwrap_or_else(|error| panic!("mounting {}: {error}", target.display()));
}

/// What is written to `target` goes to the host's folder of the same name.
fn overlay(target: &Path, folder: &Path) {
    let name = target.file_name().unwrap_or_default();
    let upper = folder.join(name);
    let work = upper.with_extension("work");
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        target.display(),
        upper.display(),
        work.display()
    );
    mount(Some("overlay"), target, Some("overlay"), MsFlags::empty(), Some(options.as_str()))
        .unwrap_or_else(|error| panic!("an overlay on {}: {error}", target.display()));
}
