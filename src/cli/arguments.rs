//! Flags that say settings. Each is a [`Word`], so it has a variable and a config key too.

use std::path::{Path, PathBuf};

use clap::Args;
use provider_api::Secret;

use crate::settings::{Layer, Origin, VpnAuth, Word};

/// Where Moorline reads and keeps things
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The config file [environment: MOORLINE_CONFIG] [default: /etc/moorline/config.toml]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Everywhere")]
    pub(super) config: Option<PathBuf>,
    /// Where state is kept [default: /var/lib/moorline]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub(super) state_dir: Option<String>,
    /// Where things lie until the next boot [default: /run/moorline]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub(super) run_dir: Option<String>,
    /// Log more on standard error; say it again for more [environment: MOORLINE_LOG]
    #[arg(long, short, global = true, help_heading = "Everywhere", action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

/// Which VPN, and how to get in
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct Network {
    /// The provider and its keys: name=NAME,KEY=VALUE,...,extraArgs=FLAGS
    ///
    /// As k3s has it: name=tailscale,joinKey=KEY,controlServerURL=URL,extraArgs=FLAGS. A key may
    /// be left out where the node is enrolled already. A secret may be a reference: file:PATH,
    /// env:NAME, cred:NAME (systemd), keyring:NAME.
    /// [environment: K3S_VPN_AUTH, MOORLINE_VPN_AUTH] [config: table vpn-auth]
    #[arg(long, value_name = "KEYS", value_parser = secret)]
    vpn_auth: Option<Secret>,
    /// A file with such a line, readable by its owner only
    ///
    /// [environment: K3S_VPN_AUTH_FILE, MOORLINE_VPN_AUTH_FILE]
    #[arg(long, value_name = "PATH")]
    vpn_auth_file: Option<PathBuf>,
    /// The provider, where no --vpn-auth names it
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// The name that this node asks for [default: the provider's choice]
    #[arg(long, value_name = "NAME")]
    node_name: Option<String>,
    /// How long the join may take [default: 60s]
    #[arg(long, value_name = "TIME")]
    join_deadline: Option<String>,
    /// Move a node that belongs to another control server
    #[arg(long = "move")]
    allow_move: bool,
    /// Join again where an administrator logged the node out, deleted it or let it expire
    #[arg(long = "rejoin")]
    allow_rejoin: bool,
}

/// Which cluster, and this node's share of it
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct Cluster {
    /// The cluster's name [default: default]
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The cluster's pod CIDR; say it again for IPv6 [default: 10.42.0.0/16]
    #[arg(long, value_name = "CIDR")]
    cluster_cidr: Vec<String>,
    /// The cluster's service CIDR; say it again for IPv6 [default: 10.43.0.0/16]
    #[arg(long, value_name = "CIDR")]
    service_cidr: Vec<String>,
    /// This node's own pod CIDR; say it again for IPv6 [default: none, a member without pods]
    #[arg(long, value_name = "CIDR")]
    pod_cidr: Vec<String>,
    /// Who routes the pods' traffic: moorline, or the CNI on top of it [default: routed]
    #[arg(long, value_name = "MODE", value_parser = ["routed", "underlay"])]
    mode: Option<String>,
    /// The bridge that pods hang on [default: moorline0]
    #[arg(long, value_name = "NAME")]
    pod_bridge: Option<String>,
}

/// How the service keeps it so
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub(super) struct Keeping {
    /// The command that starts the VPN's daemon where it went away, or none [default: the service
    /// manager's]
    #[arg(long, value_name = "COMMAND")]
    restart_command: Option<String>,
    /// Tell metrics to Prometheus at this loopback address, as 127.0.0.1:9753 [default: none]
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<String>,
}

/// When to be content
#[derive(Debug, Args)]
#[command(next_help_heading = "Waiting")]
pub(super) struct Waiting {
    /// The stage to wait for [default: proven]
    #[arg(long, value_name = "STAGE", value_parser = ["none", "joined", "served", "proven"])]
    wait: Option<String>,
    /// How long to wait for it [default: 2m]
    #[arg(long, value_name = "TIME")]
    wait_for: Option<String>,
}

impl Place {
    /// Says what was typed here.
    pub(super) fn say(&self, layer: &mut Layer) {
        say(layer, Word::StateDir, self.state_dir.as_ref());
        say(layer, Word::RunDir, self.run_dir.as_ref());
    }
}

impl Network {
    /// The file that was named.
    pub(super) fn vpn_auth_file(&self) -> Option<&Path> {
        self.vpn_auth_file.as_deref()
    }

    /// Says what was typed here; the file is for others to read.
    pub(super) fn say(&self, layer: &mut Layer) {
        let vpn_auth = self.vpn_auth.iter();
        let origin = Origin::Flag("--vpn-auth".to_owned());
        layer.vpn_auth.extend(vpn_auth.map(|text| VpnAuth::cut(text.expose(), origin.clone())));
        say(layer, Word::Provider, self.provider.as_ref());
        say(layer, Word::NodeName, self.node_name.as_ref());
        say(layer, Word::JoinDeadline, self.join_deadline.as_ref());
        let yes = |said: bool| said.then(|| "true".to_owned());
        say(layer, Word::Move, yes(self.allow_move).as_ref());
        say(layer, Word::Rejoin, yes(self.allow_rejoin).as_ref());
    }
}

impl Cluster {
    /// Says what was typed here.
    pub(super) fn say(&self, layer: &mut Layer) {
        say(layer, Word::Cluster, self.cluster.as_ref());
        say(layer, Word::ClusterCidr, &self.cluster_cidr);
        say(layer, Word::ServiceCidr, &self.service_cidr);
        say(layer, Word::PodCidr, &self.pod_cidr);
        say(layer, Word::Mode, self.mode.as_ref());
        say(layer, Word::PodBridge, self.pod_bridge.as_ref());
    }
}

impl Keeping {
    /// Says what was typed here.
    pub(super) fn say(&self, layer: &mut Layer) {
        say(layer, Word::RestartCommand, self.restart_command.as_ref());
        say(layer, Word::Metrics, self.metrics.as_ref());
    }
}

impl Waiting {
    /// Says what was typed here.
    pub(super) fn say(&self, layer: &mut Layer) {
        say(layer, Word::Wait, self.wait.as_ref());
        say(layer, Word::WaitFor, self.wait_for.as_ref());
    }
}

/// Says a word, where it was typed.
pub(super) fn say<'a>(layer: &mut Layer, word: Word, texts: impl IntoIterator<Item = &'a String>) {
    let mut texts = texts.into_iter().cloned().peekable();
    if texts.peek().is_some() {
        layer.say(word, texts, Origin::Flag(word.flag()));
    }
}

/// Takes a secret from the command line without keeping it in sight.
pub(super) fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}
