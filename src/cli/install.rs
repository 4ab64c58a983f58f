//! `moorline install`.

use clap::Args;
use provider_api::Result;

use super::arguments::{Cluster, Keeping, Network, Place};
use super::exit::{self, Exit};
use super::output::{self, Answer};
use super::render;
use super::sources::{self, ConfigFile};
use crate::install::{self, Machine, Order};
use crate::providers;
use crate::settings::{self, Layer};

/// Have the service manager keep this node connected, now and after every start
///
/// Writes the settings into the config file, and the unit moorline.service, and starts it. A key
/// that is typed here goes to a file for root alone. May be said again at any time, with other
/// settings too; an administrator's own lines and drop-ins stay.
#[derive(Debug, Args)]
#[command(after_long_help = exit::help(EXAMPLES))]
pub(super) struct Arguments {
    /// Show the changes and the files, without writing them
    #[arg(long)]
    dry_run: bool,
    /// Start the service with the machine, and not now
    #[arg(long)]
    no_start: bool,
    /// Answer in JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    keeping: Keeping,
}

const EXAMPLES: &str = "\
EXAMPLES
  Join now and after every start, with a key in a file:
    moorline install --vpn-auth=name=tailscale,joinKey=file:/etc/moorline/key \\
      --pod-cidr 10.42.3.0/24

  With a key that only systemd can read:
    systemd-creds encrypt --name=join-key - /etc/credstore.encrypted/join-key
    moorline install --vpn-auth=name=tailscale,joinKey=cred:join-key --pod-cidr 10.42.3.0/24

  See what that would write:
    moorline install --provider tailscale --pod-cidr 10.42.3.0/24 --dry-run";

pub(super) async fn run(arguments: &Arguments, place: &Place) -> Answer {
    let file = ConfigFile::of(place)?;
    let sources = sources::gather_to_write(place, arguments.flags()?)?;
    let manifests = providers::manifests(&sources)?;
    let settings = settings::resolve(&sources, &manifests)?;
    sources::guard_literals(&settings)?;
    let machine = Machine::this(file.path, settings.state_dir.value.clone());
    let order = Order {
        sources: &sources,
        settings,
        manifests: &manifests,
        program: install::this_program()?,
        tell_config: file.asked,
        start: !arguments.no_start,
        dry_run: arguments.dry_run,
    };
    let report = install::install(order, &machine).await?;
    match arguments.json {
        true => output::json(&report)?,
        false => output::text(&render::install::text(&report, arguments.dry_run))?,
    }
    Ok(Exit::Done)
}

impl Arguments {
    fn flags(&self) -> Result<Layer> {
        let mut flags = Layer::default();
        self.network.say(&mut flags);
        self.cluster.say(&mut flags);
        self.keeping.say(&mut flags);
        if let Some(path) = self.network.vpn_auth_file() {
            flags.vpn_auth.push(sources::vpn_auth_file(path)?);
        }
        Ok(flags)
    }
}
