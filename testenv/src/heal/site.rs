//! A cluster of two nodes with a transfer between their pods, where things get broken.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use super::row::{Deed, Outcome, Probe, Row};
use crate::lab::say;
use crate::until;
use crate::until::within;
use crate::{
    Authkey, Headscale, HeadscaleBuilder, Host, Lab, Pod, Running, Tailscaled, Traffic, Transfer,
};

/// How long anything here may take on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);
/// How often a probe looks: what is timed is not to wait for it.
pub(super) const PACE: Duration = Duration::from_millis(5);
/// The least that the transfer is to carry: 50 Mbit/s, seen over this time.
const LEAST: u64 = 50_000_000 / 8;
const WINDOW: Duration = Duration::from_millis(200);
/// How long a transfer may take to find back to its speed: TCP waits longer after each loss.
const BACK: Duration = Duration::from_secs(20);

/// The policy that approves the pods' routes.
pub(super) const POLICY: &str = r#"{
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "autoApprovers": {"routes": {"10.42.0.0/16": ["k8s@"], "2001:cafe:42::/48": ["k8s@"]}}
}"#;

const CLUSTER: [&str; 4] =
    ["--cluster-cidr", "10.42.0.0/16", "--cluster-cidr", "2001:cafe:42::/48"];

/// What the service on the node is told beside the usual.
#[derive(Debug, Clone, Copy, Default)]
pub struct Way {
    /// The command that starts the VPN's daemon anew.
    pub restarts: bool,
    /// That it may join again where somebody put the node out.
    pub rejoins: bool,
    /// No key to join by: the node was joined before.
    pub keyless: bool,
}

/// A node `a` that the service keeps, a node `b`, and a transfer from b's pod to a's.
pub struct Site {
    pub(super) headscale: Headscale,
    pub(super) key: Authkey,
    pub(super) a: Host,
    pub(super) tailscaled: Tailscaled,
    pub(super) pods: [Pod; 2],
    pub(super) way: Way,
    pub(super) service: RefCell<Option<Running>>,
    pub(super) transfer: RefCell<Option<Transfer>>,
}

/// How a fault went.
#[derive(Debug, Clone, Copy)]
pub struct Met {
    /// From the fault until all was whole, or named.
    pub took: Duration,
}

impl Site {
    /// A new one, all whole.
    pub fn new(lab: &Lab, way: Way) -> Site {
        Site::with(lab, lab.headscale(), way)
    }

    /// The same, with this control server.
    pub fn with(lab: &Lab, headscale: HeadscaleBuilder, way: Way) -> Site {
        let headscale = headscale.policy(POLICY).start();
        let key = headscale.user("k8s").reusable_key();
        let a = lab.host("a").start();
        let tailscaled = a.tailscaled();
        up(&a, 1, &a.vpn_auth(&headscale, &key));
        let b = lab.host("b").start();
        b.tailscaled();
        up(&b, 2, &b.vpn_auth(&headscale, &key));
        let pods = [pod(&a, 1), pod(&b, 2)];
        pods[1].serve();
        let site = Site {
            headscale,
            key,
            a,
            tailscaled,
            pods,
            way,
            service: RefCell::default(),
            transfer: RefCell::default(),
        };
        site.start_service();
        site
    }

    /// Starts the service; what it remembered is gone. It is proven when this returns, and the
    /// transfer runs.
    pub fn start_service(&self) {
        drop(self.service.replace(None));
        let service = self.a.moorline_with(self.words()).start();
        self.service.replace(Some(service));
        self.is_proven();
        // A node that sees no other yet counts as proven, too.
        self.is_well();
        self.flows();
    }

    /// Ends the service, as a service manager does.
    ///
    /// # Panics
    /// Where it takes longer than a second, or says that it failed.
    pub fn stop_service(&self) {
        let Some(service) = self.service.take() else { return };
        service.interrupt();
        service.finish(Duration::from_secs(1)).succeeded();
    }

    fn words(&self) -> Vec<String> {
        let auth = match self.way.keyless {
            true => self.a.vpn_auth_without_key(&self.headscale),
            false => self.a.vpn_auth(&self.headscale, &self.key),
        };
        let mut words = vec!["run".to_owned(), "-v".to_owned(), "--vpn-auth".to_owned(), auth];
        words.extend(cluster(1));
        if self.way.restarts {
            let command = self.tailscaled.restart_command().display().to_string();
            words.extend(["--restart-command".to_owned(), command]);
        }
        if self.way.rejoins {
            words.push("--rejoin".to_owned());
        }
        words
    }

    /// Breaks one thing, and waits for what is to come of it.
    ///
    /// # Errors
    /// Where that does not come, with what the service said.
    pub fn meet(&self, row: &Row) -> Result<Met, String> {
        if !row.goes_on && !self.probe(&row.is_whole) {
            return Err(format!("{}: not whole before the fault\n{}", row.name, self.said()));
        }
        if self.transfer.borrow().is_none() {
            self.flows();
        }
        let said = self.said().len();
        let started = Instant::now();
        self.does(&row.fault);
        match row.expected {
            Outcome::Repaired => self.waits(row, || self.probe(&row.is_whole))?,
            Outcome::Finding(code) => self.waits(row, || self.tells(code, said))?,
        }
        let met = Met { took: started.elapsed() };
        if !row.survives {
            drop(self.transfer.take());
        }
        self.does(&row.after);
        if row.expected == Outcome::Repaired {
            self.is_whole_again(row);
        }
        Ok(met)
    }

    /// The transfer goes on with its full speed, where it lives.
    fn is_whole_again(&self, row: &Row) {
        if row.survives {
            self.flows();
        }
    }

    fn waits(&self, row: &Row, is_so: impl Fn() -> bool) -> Result<(), String> {
        let not = || format!("{}: not {:?}\n{}", row.name, row.expected, self.said());
        within(PATIENCE, PACE, || if is_so() { Ok(()) } else { Err(()) }).map_err(|()| not())
    }

    /// The transfer carries what it is to carry; it is the same one, where one runs.
    fn flows(&self) {
        let [here, there] = &self.pods;
        let mut transfer = self.transfer.borrow_mut();
        let transfer = transfer.get_or_insert_with(|| here.brisk_transfer(there.v4()));
        let mut from = (transfer.bytes(), Instant::now());
        until("a transfer of 50 Mbit/s", BACK, || {
            let (bytes, since) = from;
            if since.elapsed() < WINDOW {
                return Err((0.0, transfer.is_alive()));
            }
            let rate = (transfer.bytes() - bytes) as f64 / since.elapsed().as_secs_f64();
            from = (transfer.bytes(), Instant::now());
            if rate >= LEAST as f64 { Ok(()) } else { Err((rate, transfer.is_alive())) }
        });
    }

    /// Meets every row, each with a service of its own unless it goes on from the one before.
    pub fn meet_all(&self, rows: &[Row]) {
        for row in rows {
            if !row.goes_on {
                self.stop_service();
                self.start_service();
            }
            let took = self.meet(row).unwrap_or_else(|text| panic!("{text}")).took;
            say(&format!("{:<70} {:?} after {took:?}", row.name, row.expected));
        }
        self.stop_service();
    }

    /// How long the VPN's daemon takes by itself from its start until pods reach each other.
    pub fn restart_takes(&self) -> Duration {
        self.tailscaled.stop();
        let started = Instant::now();
        self.tailscaled.start();
        while !self.reaches() {
            assert!(started.elapsed() < PATIENCE, "pods reach each other after a restart");
        }
        started.elapsed()
    }

    /// Whether a pod reaches the other one now.
    pub(super) fn reaches(&self) -> bool {
        let [here, there] = &self.pods;
        let to = there.v4().to_string();
        let answer = here.namespace.output("ping", &["-n", "-c", "1", "-W", "0.3", &to], "");
        answer.status.success()
    }

    pub(super) fn is_cut(&self) {
        let is_cut = || if self.reaches() { Err("they still do") } else { Ok(()) };
        until("pods that do not reach each other", PATIENCE, is_cut);
    }

    pub(super) fn is_well(&self) {
        let is_well = || if self.reaches() { Ok(()) } else { Err(self.said()) };
        until("pods that reach each other", PATIENCE, is_well);
    }

    pub(super) fn is_told(&self, code: &str, since: usize) {
        let is_told = || if self.tells(code, since) { Ok(()) } else { Err(self.said()) };
        until(&format!("a finding {code}"), PATIENCE, is_told);
    }

    /// What an operator does for a node that was put out.
    pub(super) fn joins_again(&self) {
        self.stop_service();
        let auth = self.a.vpn_auth(&self.headscale, &self.key);
        let words = ["up", "--rejoin", "--vpn-auth", &auth].map(str::to_owned);
        self.a.moorline(words.into_iter().chain(cluster(1))).succeeded();
        self.is_well();
        self.start_service();
    }

    /// The daemon's preferences.
    pub(super) fn prefs(&self) -> serde_json::Value {
        self.tailscaled.prefs()
    }

    fn is_proven(&self) {
        until("a node that the service proves", PATIENCE, || {
            let said = self.said();
            if said.contains("to=proven") { Ok(()) } else { Err(said) }
        });
    }

    fn tells(&self, code: &str, since: usize) -> bool {
        self.said()[since..].contains(&format!("code=\"{code}\""))
    }

    /// What the service said since it started.
    pub fn said(&self) -> String {
        self.service.borrow().as_ref().map(Running::said).unwrap_or_default()
    }

    pub(super) fn does(&self, deed: &Deed) {
        match deed {
            Deed::Nothing => {}
            Deed::Line(line) => drop(self.a.shell(line).succeeded()),
            Deed::By(deed) => deed(self),
        }
    }

    pub(super) fn probe(&self, probe: &Probe) -> bool {
        match probe {
            Probe::Line(line) => self.a.shell(line).code == Some(0),
            Probe::By(probe) => probe(self),
        }
    }
}

fn up(host: &Host, number: u8, auth: &str) {
    let words = ["up", "--wait", "served", "--vpn-auth", auth].map(str::to_owned);
    host.moorline(words.into_iter().chain(cluster(number))).succeeded();
}

fn cluster(number: u8) -> impl Iterator<Item = String> {
    let pods = [
        format!("--pod-cidr=10.42.{number}.0/24"),
        format!("--pod-cidr=2001:cafe:42:{number}::/64"),
    ];
    CLUSTER.map(str::to_owned).into_iter().chain(pods)
}

pub(super) fn pod(host: &Host, number: u8) -> Pod {
    host.pod("pod", &format!("10.42.{number}.10/24 2001:cafe:42:{number}::10/64"))
}
