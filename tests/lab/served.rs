//! A host with systemd, and the service on it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use provider_api::Change;
use testenv::{Host, Lab, Run, Systemd, Tailscaled, until};

use crate::refusal::SOON;
use crate::scene::Scene;

/// The unit.
pub(crate) const UNIT: &str = "moorline.service";

/// Starts after the service, as Kubernetes does.
const K3S: &str = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n";

/// Starts both at once, as a boot does.
const BOOT: &str = "[Unit]\nWants=k3s.service moorline.service\n";

/// An administrator's own lines: systemd has no journal here.
const DROP_IN: &str = "[Service]\nEnvironment=MOORLINE_LOG=debug\nStandardError=append:";

/// A lab whose hosts run the binary from where only root can change it.
pub(crate) fn lab(name: &str) -> Option<Lab> {
    let lab = Lab::new(name)?;
    let (built, program) = (env!("CARGO_BIN_EXE_moorline"), lab.logs().join("moorline"));
    // Who is not root may own what was built.
    let is_roots = fs::metadata(built).expect("a program").uid() == 0;
    if !is_roots || fs::hard_link(built, &program).is_err() {
        fs::copy(built, &program).expect("a copy of the program");
    }
    Some(lab.with_moorline(program))
}

/// A host with systemd, and the words that install the service there.
pub(crate) struct Served<'a> {
    lab: &'a Lab,
    pub(crate) host: Host,
    pub(crate) systemd: Systemd,
    pub(crate) tailscaled: Tailscaled,
    pub(crate) vpn_auth: String,
}

impl<'a> Served<'a> {
    /// A host of the lab with systemd; none where this machine has none.
    pub(crate) fn new(lab: &'a Lab, scene: &Scene) -> Option<Served<'a>> {
        let host = lab.host("a").without_forwarding().start();
        let systemd = host.systemd()?;
        systemd.unit("k3s.service", K3S);
        systemd.unit("boot.target", BOOT);
        let tailscaled = host.tailscaled();
        Some(Served::on(lab, host, systemd, tailscaled, scene))
    }

    /// A host whose systemd runs already.
    pub(crate) fn on(
        lab: &'a Lab,
        host: Host,
        systemd: Systemd,
        tailscaled: Tailscaled,
        scene: &Scene,
    ) -> Served<'a> {
        let vpn_auth = scene.auth(&host);
        let served = Served { lab, host, systemd, tailscaled, vpn_auth };
        served.write("/etc/systemd/system/moorline.service.d/log.conf", &served.drop_in());
        served
    }

    fn drop_in(&self) -> String {
        format!("{DROP_IN}{}\n", self.lab.logs().join("a-moorline.log").display())
    }

    /// Writes a file on the host.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let line = format!("mkdir -p $(dirname {path}) && cat >{path} <<'END'\n{text}END\n");
        self.host.shell(&line).succeeded();
    }

    /// `moorline install` with this node's share of the cluster, and these words more.
    pub(crate) fn install(&self, more: &[&str]) -> Run {
        let words = [
            "install",
            "--json",
            "--vpn-auth",
            &self.vpn_auth,
            "--cluster-cidr=10.42.0.0/16,2001:cafe:42::/48",
            "--pod-cidr=10.42.1.0/24,2001:cafe:42:1::/64",
        ];
        self.host.moorline([&words[..], more].concat()).succeeded()
    }

    /// Waits until a property of the service is this.
    pub(crate) fn is(&self, property: &str, wanted: &str) {
        until(&format!("a service whose {property} is {wanted}"), SOON, || {
            match self.systemd.property(UNIT, property) {
                now if now == wanted => Ok(()),
                now => Err((now, self.systemd.property(UNIT, "StatusText"))),
            }
        });
    }

    /// The process of the service.
    pub(crate) fn pid(&self) -> String {
        self.systemd.property(UNIT, "MainPID")
    }

    fn canary(&self) -> PathBuf {
        self.host.folder().join("run/moorline/netns/canary")
    }

    /// What tells the canary's namespace, as whoever logs in on the host sees it.
    pub(crate) fn pinned(&self) -> String {
        let line = format!("stat -f -c %T {0}; stat -c %i {0}", self.canary().display());
        let run = self.host.shell(&line).succeeded();
        assert!(run.stdout.starts_with("nsfs\n"), "{run:?}");
        run.stdout
    }
}

/// What a command changed, in lines.
pub(crate) fn changes(run: &Run) -> Vec<String> {
    let changes = run.json()["changes"]["changes"].clone();
    let changes: Vec<Change> = serde_json::from_value(changes).expect("changes");
    changes.iter().map(ToString::to_string).collect()
}
