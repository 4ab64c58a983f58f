//! What a host looks like, in lines that can be compared.

use std::collections::BTreeMap;
use std::fmt;

use testenv::Host;

use crate::node::prefs;

/// What to look at, each with the line of shell that prints it. Counters, ages, the numbers that
/// the kernel gives to interfaces and what tailscaled draws anew at every start are left out.
const LOOKS: [(&str, &str); 7] = [
    (
        "links",
        "ip -o link show | sed -E 's/^[0-9]+: //; s/@if[0-9]+/@/; s/ (qlen|link-netns) .*//'",
    ),
    (
        "addresses",
        "ip -o address show | sed -E 's/^[0-9]+: //; s/valid_lft.*//; /tailscale0 .* fe80/d'",
    ),
    (
        "routes",
        "(ip route show table all; ip -6 route show table all) | sed -E 's/ expires.*//; /fe80::.* dev tailscale0/d' | sort",
    ),
    ("rules", "ip rule show; ip -6 rule show"),
    ("nftables", "nft -s list ruleset | sed -E 's/udp dport [0-9]+ counter/udp dport counter/'"),
    ("pins", "grep nsfs /proc/self/mountinfo | grep -c /moorline/netns/; true"),
    ("kernel", KERNEL),
];

const KERNEL: &str = "cd /proc/sys/net && find . -type f -readable | \
    grep -vE 'conntrack_count|neigh|gc_interval|/route/flush|stable_secret|fib_sync|tailscale0|file-nr' | \
    sort | while read -r key; do echo \"$key $(cat $key 2>/dev/null)\"; done";

const FORWARDING: &str = "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding";

/// What a host looks like.
#[derive(Debug, PartialEq)]
pub(crate) struct Snapshot {
    looks: BTreeMap<&'static str, Vec<String>>,
}

impl Snapshot {
    /// Of a host and of its tailscaled, which must answer; with the files in these folders.
    pub(crate) fn of(host: &Host, folders: &[&str]) -> Snapshot {
        let mut looks: BTreeMap<_, _> =
            LOOKS.iter().map(|(name, line)| (*name, lines(host, line))).collect();
        let folders = folders.join(" ");
        let files = format!(
            "find {folders} -printf '%M %u %p\\n' 2>/dev/null | sort; \
             find {folders} -type f -exec md5sum {{}} + 2>/dev/null | sort"
        );
        looks.insert("files", lines(host, &files));
        Snapshot { looks }
    }

    /// Of what a host has for the network and of what moorline remembers there, without what is
    /// drawn anew, and without proofs.
    pub(crate) fn of_network(host: &Host) -> Snapshot {
        let drawn = "sed -E 's/ether [0-9a-f:]{17}/ether/; /fe80::/d'";
        let network = LOOKS.iter().filter(|(name, _)| *name != "kernel");
        let look = |line: &str| lines(host, &format!("({line}) | {drawn}"));
        let mut looks: BTreeMap<_, _> = network.map(|(name, line)| (*name, look(line))).collect();
        looks.insert("forwarding", lines(host, FORWARDING));
        let (state, run) = (host.state_dir(), host.folder().join("run/moorline"));
        let files = format!("find {} {} -printf '%M %p\\n' | sort", state.display(), run.display());
        looks.insert("files", lines(host, &files));
        looks.insert("state", remembered(host));
        Snapshot { looks }
    }

    /// The same with the preferences of the VPN's daemon.
    pub(crate) fn with_prefs(mut self, tailscaled: &testenv::Tailscaled) -> Snapshot {
        let prefs: serde_json::Value = serde_json::from_str(&prefs(tailscaled)).expect("JSON");
        let prefs = prefs.as_object().expect("preferences").iter();
        // What the daemon keeps of the profile itself is not ours to set.
        let prefs = prefs.filter(|(name, _)| *name != "Config" && *name != "ProfileName");
        self.looks.insert("prefs", prefs.map(|(name, value)| format!("{name} {value}")).collect());
        self
    }

    /// What is in the one and not in the other.
    pub(crate) fn differences(&self, after: &Snapshot) -> Differences {
        let mut all = Vec::new();
        for (name, before) in &self.looks {
            let after = &after.looks[name];
            let gone = before.iter().filter(|line| !after.contains(line));
            all.extend(gone.map(|line| format!("{name} - {line}")));
            let come = after.iter().filter(|line| !before.contains(line));
            all.extend(come.map(|line| format!("{name} + {line}")));
        }
        Differences(all)
    }
}

/// Lines that came and went.
pub(crate) struct Differences(Vec<String>);

impl Differences {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same without this look.
    pub(crate) fn without(mut self, look: &str) -> Differences {
        self.0.retain(|line| !line.starts_with(look));
        self
    }

    /// Whether a line is among them that holds this.
    pub(crate) fn name(&self, words: &str) -> bool {
        self.0.iter().any(|line| line.contains(words))
    }
}

impl fmt::Debug for Differences {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} differences:\n  {}", self.0.len(), self.0.join("\n  "))
    }
}

fn lines(host: &Host, line: &str) -> Vec<String> {
    host.shell(line).stdout.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The state file, without proofs; nothing where it cannot be read.
fn remembered(host: &Host) -> Vec<String> {
    let text = std::fs::read_to_string(host.state_dir().join("state.json")).unwrap_or_default();
    let Ok(mut state) = serde_json::from_str::<serde_json::Value>(&text) else { return Vec::new() };
    for network in state["networks"].as_object_mut().into_iter().flatten() {
        network.1["proof"].take();
    }
    let text = format!("{state:#}");
    // tailscaled draws the name of each profile.
    let lines = text.lines().filter(|line| !line.contains("\"profile\":"));
    lines.map(str::to_owned).collect()
}
