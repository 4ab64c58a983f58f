//! What somebody takes from the kernel behind tailscaled's back is named, and brought back.

use std::sync::Arc;
use std::time::Duration;

use provider_api::{Error, Network, Observed, Provider, ProviderSettings, Repair};
use provider_tailscale::TailscaleProvider;
use testenv::{Host, Lab, MemoryHost, Pings, Pod, Tailscaled, Traffic, until};

use crate::common::lab;
use crate::node::{edits, prefs, status, up};
use crate::refusal::SOON;
use crate::scene::{AUTO_APPROVED, Joiner, Scene};
use crate::unfooled::{is_named, proven};

/// How long a repair may cut what it does not mend: 0.5 s were seen.
const CUT: Duration = Duration::from_secs(2);

/// The words with which `a` joins.
pub(crate) const JOINS: [&str; 6] = [
    "--cluster-cidr",
    "10.42.0.0/16",
    "--cluster-cidr",
    "2001:cafe:42::/48",
    "--pod-cidr=10.42.1.0/24",
    "--pod-cidr=2001:cafe:42:1::/64",
];

/// A node `a` with its daemon at hand, another node, and a pod on each.
pub(crate) struct Pair<'a> {
    pub(crate) auth: String,
    pub(crate) a: Host,
    pub(crate) tailscaled: Tailscaled,
    pods: [Pod; 2],
    /// What tailscaled had written at first.
    tables: String,
    _b: Joiner<'a>,
}

impl<'a> Pair<'a> {
    pub(crate) fn new(lab: &Lab, scene: &'a Scene, prepare: impl FnOnce(&Host)) -> Pair<'a> {
        let a = lab.host("a").start();
        prepare(&a);
        let (tailscaled, auth) = (a.tailscaled(), scene.auth(&a));
        up(&a, &auth, &JOINS).succeeded();
        let b = scene.joined(lab.host("b"), 2);
        let pods = [a.pod("pod", "10.42.1.10/24 2001:cafe:42:1::10/64"), b.a_pod()];
        let pair = Pair { auth, tables: String::new(), a, tailscaled, pods, _b: b };
        pair.is_proven();
        Pair { tables: pair.tables(), ..pair }
    }

    /// The routes in tailscaled's table, and the addresses on its interface.
    pub(crate) fn tables(&self) -> String {
        let lines = "for family in -4 -6; do ip $family route show table 52; \
                     ip -oneline $family address show dev tailscale0 scope global \
                     | sed 's/^[0-9]*: //'; done";
        let routes = self.a.shell(lines).succeeded().stdout;
        let words = |line: &str| -> Vec<String> {
            // Who wrote an address shows in no more than a flag.
            line.split_whitespace().filter(|word| *word != "nodad").map(str::to_owned).collect()
        };
        routes.lines().map(|line| words(line).join(" ") + "\n").collect()
    }

    pub(crate) fn break_by(&self, line: &str) {
        self.a.shell(line).succeeded();
    }

    pub(crate) fn is_named(&self, code: &str, hint: &str) {
        is_named(&self.a, code, hint);
    }

    /// The status says that pods reach each other, and two of them do.
    pub(crate) fn is_proven(&self) {
        // One that does not see the other yet is proven too, by being alone.
        until("a node that is proven by the other", SOON, || {
            let now = status(&self.a);
            match &now["proof"]["verdict"]["outcome"] {
                outcome if outcome == "proven" => proven(&now),
                _ => Err(format!("{now:#}")),
            }
        });
        let [here, there] = &self.pods;
        assert!(here.ping(there.v4()) && here.ping(there.v6()), "a pod that reaches the other");
        assert!(there.ping(here.v4()) && there.ping(here.v6()), "a pod that is reached");
    }

    /// Everything is as it was at first.
    pub(crate) fn is_whole(&self) {
        self.is_proven();
        assert_eq!(self.tables(), self.tables);
    }

    fn pings(&self) -> Pings {
        let [here, there] = &self.pods;
        let pings = here.pinging(there.v4());
        until("answers", SOON, || if pings.answered() > 3 { Ok(()) } else { Err("none yet") });
        pings
    }

    /// The provider on this node does this, and changes no preference by it.
    fn provider(&self, work: impl AsyncFn(&dyn Network) + Send + Sync) {
        let before = prefs(&self.tailscaled);
        let settings = self.settings();
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.a.enter();
                let host = Arc::new(MemoryHost::new([]));
                let network = TailscaleProvider::new().and_then(|it| it.open(&settings, host));
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(work(&*network.expect("a network")));
            });
            inside.join().expect("a provider that does as it is told");
        });
        assert_eq!(prefs(&self.tailscaled), before);
    }

    fn settings(&self) -> ProviderSettings {
        let socket = self.tailscaled.socket().display().to_string();
        ProviderSettings {
            network: "tailscale".parse().expect("a label"),
            cluster_cidrs: vec!["10.42.0.0/16".parse().expect("a net")],
            values: [("socket".to_owned(), socket)].into(),
            secrets: [].into(),
            extra_args: Vec::new(),
            node_name: None,
            allow_move: false,
            allow_rejoin: false,
            join_deadline: SOON,
        }
    }

    /// The provider asks for this repair by itself, and it is enough.
    pub(crate) fn is_repaired_by(&self, what: Repair) {
        self.provider(async |network| {
            wants(network, Some(what)).await;
            network.repair(what).await.expect("a repair");
            wants(network, None).await;
        });
    }
}

/// Waits until the provider asks for this repair and no other. It looks at the firewall from
/// its second look on.
async fn wants(network: &dyn Network, what: Option<Repair>) {
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        let seen: Result<Observed, Error> = network.observe().await;
        let wants = seen.as_ref().map(|seen| seen.wants.clone()).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let again = network.observe().await.expect("a look").wants;
        if wants == again && again == Vec::from_iter(what) {
            return;
        }
        let late = tokio::time::Instant::now() >= deadline;
        assert!(!late, "it wants {again:?} and not {what:?}: {seen:?}");
    }
}

#[test]
fn routes_that_were_flushed_come_back() {
    let Some(lab) = lab("flushed routes") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let pair = Pair::new(&lab, &scene, |_| ());

    // What peers serve comes back while all other traffic goes on.
    pair.break_by("ip -6 route delete 2001:cafe:42:2::/64 table 52");
    pair.is_named("peer-routes-gone", "2001:cafe:42:2::/64");
    let pings = pair.pings();
    pair.is_repaired_by(Repair::PeerRoutes);
    assert!(pings.longest_gap() < Duration::from_millis(500), "{:?}", pings.longest_gap());
    pair.is_whole();

    // `up` does the same.
    pair.break_by("ip route delete 10.42.2.0/24 table 52");
    pair.is_named("peer-routes-gone", "10.42.2.0/24");
    up(&pair.a, &pair.auth, &JOINS).succeeded();
    pair.is_whole();

    // Peers' own addresses take a cut, which ends.
    pair.break_by("ip route flush table 52; ip -6 route flush table 52");
    pair.is_named("peer-routes-gone", "100.64.0.2");
    pair.is_repaired_by(Repair::PeerRoutes);
    pair.is_whole();
    pair.break_by("ip route delete 100.64.0.2 table 52");
    let pings = pair.pings();
    pair.is_repaired_by(Repair::PeerRoutes);
    pair.is_whole();
    assert!(pings.longest_gap() < CUT, "{:?}", pings.longest_gap());
}

#[test]
fn a_whole_node_is_left_alone() {
    let Some(lab) = lab("whole") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let pair = Pair::new(&lab, &scene, |_| ());
    let before = edits(&lab, &pair.a);
    pair.provider(async |network| {
        wants(network, None).await;
        for what in [Repair::PeerRoutes, Repair::Firewall] {
            network.repair(what).await.expect("a repair");
        }
    });
    assert_eq!(edits(&lab, &pair.a), before);
    pair.is_whole();
}

#[test]
fn a_firewall_that_was_flushed_comes_back() {
    let Some(lab) = lab("flushed firewall") else { return };
    let scene = Scene::new(lab.headscale(), AUTO_APPROVED);
    let pair = Pair::new(&lab, &scene, Host::forward_policy_drop);
    let flush = "for it in iptables ip6tables; do $it -F; $it -t nat -F; done";
    let chains = || pair.a.shell("nft list ruleset | grep -o 'jump ts-.*' | sort").stdout;
    let before = chains();

    pair.break_by(flush);
    pair.is_named("firewall-here", "table ip filter, chain FORWARD");
    pair.is_named("tailscaled-firewall-gone", "tailscaled's rules are gone");
    pair.is_repaired_by(Repair::Firewall);
    assert_eq!(chains(), before);
    pair.is_whole();

    // A firewall that is gone altogether lets everything through: it is missed all the same.
    pair.break_by("nft flush ruleset");
    pair.is_repaired_by(Repair::Firewall);
    assert_eq!(chains(), before);
    pair.is_whole();
}
