//! The table of flags: parsing, the error that lists them and the reference come from it.

/// One flag.
#[derive(Debug)]
pub struct Flag {
    /// Without the dashes.
    pub name: &'static str,
    /// What it takes and becomes.
    pub(super) meaning: Meaning,
    /// One line for the reference.
    pub help: &'static str,
}

/// What a flag becomes.
#[derive(Debug)]
pub(super) enum Meaning {
    /// Yes or no, as this preference.
    Switch(&'static str),
    /// Yes or no, of which Moorline needs one: this value, for this reason.
    Needed(&'static str, bool, &'static str),
    /// The same for the opposite of a preference; the value is the flag's.
    NeededOpposite(&'static str, bool, &'static str),
    /// Text, as this preference.
    Text(&'static str),
    /// Tags, with `tag:` in front or not.
    Tags,
    /// `on`, `nodivert` or `off`.
    Netfilter,
    /// A UDP port; empty for none.
    Port(&'static str),
    /// Addresses with ports.
    Endpoints(&'static str),
    /// Prefixes to advertise.
    Routes,
    /// Whether to advertise the default routes.
    ExitRoutes,
    /// The exit node to use.
    ExitNode,
    /// Only about the command line of `tailscale`; nothing to do here.
    NoMatter,
    /// Refused, and what to do instead.
    Refused(&'static str),
}

impl Flag {
    /// Whether the flag may stand without a value.
    pub(super) fn is_switch(&self) -> bool {
        matches!(
            self.meaning,
            Meaning::Switch(_)
                | Meaning::Needed(..)
                | Meaning::NeededOpposite(..)
                | Meaning::ExitRoutes
        )
    }

    /// Whether it is taken at all.
    pub fn is_known(&self) -> bool {
        !matches!(self.meaning, Meaning::Refused(_))
    }
}

const fn flag(name: &'static str, meaning: Meaning, help: &'static str) -> Flag {
    Flag { name, meaning, help }
}

/// Every flag of `tailscale up` and `tailscale set` (1.102), in the order of names.
pub const FLAGS: &[Flag] = &[
    flag("accept-dns", Meaning::Switch("CorpDNS"), "let the tailnet rewrite resolv.conf"),
    flag("accept-risk", Meaning::NoMatter, "nothing is asked here"),
    flag(
        "accept-routes",
        Meaning::Needed("RouteAll", true, "without it no other node's pods can be reached"),
        "always on",
    ),
    flag(
        "advertise-connector",
        Meaning::Switch("AppConnector.Advertise"),
        "offer to be an app connector",
    ),
    flag("advertise-exit-node", Meaning::ExitRoutes, "offer to be an exit node"),
    flag("advertise-routes", Meaning::Routes, "prefixes to advertise beside the pod CIDRs"),
    flag("advertise-tags", Meaning::Tags, "tags to ask for when the node is enrolled"),
    flag("audience", Meaning::Refused(MINT), ""),
    flag("auth-key", Meaning::Refused(KEY), ""),
    flag("authkey", Meaning::Refused(KEY), ""),
    flag("auto-update", Meaning::Switch("AutoUpdate.Apply"), "let tailscaled update itself"),
    flag("client-id", Meaning::Refused(MINT), ""),
    flag("client-secret", Meaning::Refused(MINT), ""),
    flag("exit-node", Meaning::ExitNode, "exit node to use: address, name or auto:any"),
    flag(
        "exit-node-allow-lan-access",
        Meaning::Switch("ExitNodeAllowLANAccess"),
        "reach the LAN beside an exit node",
    ),
    flag("force-reauth", Meaning::Refused("up --rejoin logs a node in again"), ""),
    flag("hostname", Meaning::Text("Hostname"), "the node's name in the tailnet"),
    flag("id-token", Meaning::Refused(MINT), ""),
    flag("json", Meaning::Refused("up --json is Moorline's own"), ""),
    flag("login-server", Meaning::Refused("the server goes into controlServerURL"), ""),
    flag("netfilter-mode", Meaning::Netfilter, "tailscaled's firewall rules: on, nodivert, off"),
    flag("nickname", Meaning::Text("ProfileName"), "the name of the login on this machine"),
    flag("operator", Meaning::Text("OperatorUser"), "a user who may operate tailscaled"),
    flag("qr", Meaning::Refused(PICTURE), ""),
    flag("qr-format", Meaning::Refused(PICTURE), ""),
    flag("relay-server-port", Meaning::Port("RelayServerPort"), "UDP port to relay for peers on"),
    flag(
        "relay-server-static-endpoints",
        Meaning::Endpoints("RelayServerStaticEndpoints"),
        "addresses to offer for relaying",
    ),
    flag("report-posture", Meaning::Switch("PostureChecking"), "report the device's posture"),
    flag("reset", Meaning::Refused("Moorline never resets an admin's settings"), ""),
    flag("shields-up", Meaning::Switch("ShieldsUp"), "let nobody open connections to this node"),
    flag(
        "snat-subnet-routes",
        Meaning::NeededOpposite(
            "NoSNAT",
            false,
            "it would hide the pods' addresses; your own routes keep their source translation \
             by a rule of Moorline's",
        ),
        "always off; your own routes keep it",
    ),
    flag("ssh", Meaning::Switch("RunSSH"), "run Tailscale SSH"),
    flag(
        "stateful-filtering",
        Meaning::NeededOpposite(
            "NoStatefulFiltering",
            false,
            "pods behind this node could not open connections to other nodes' pods",
        ),
        "always off",
    ),
    flag("timeout", Meaning::Refused("how long to wait is an option of `moorline up`"), ""),
    flag("unattended", Meaning::Refused("it is for Windows"), ""),
    flag("update-check", Meaning::Switch("AutoUpdate.Check"), "look for updates of tailscaled"),
    flag("webclient", Meaning::Switch("RunWebClient"), "serve the web interface in the tailnet"),
];

const MINT: &str = "tailscaled itself takes auth keys only; mint one and name it in joinKey";
const KEY: &str = "the key goes into joinKey: joinKey=file:PATH";
const PICTURE: &str = "Moorline shows no login page as a picture";
