//! `moorline run`.

use std::net::SocketAddr;

use clap::Args;
use provider_api::Result;

use super::arguments::{Cluster, Keeping, Network, Place};
use super::exit::{self, Exit};
use super::output::Answer;
use super::signals::interruption;
use super::sources;
use crate::control::Server;
use crate::host::{Directories, Service, Tasks, Wishes};
use crate::metrics::Metrics;
use crate::settings::{Layer, Settings, Sources};
use crate::{node_files, notify, providers, settings};

/// Keep this node in the network: join, mend what breaks, and tell how things stand
///
/// For a service manager: runs until it is ended, which changes nothing on the network. Without
/// settings it keeps what the last `moorline up` wanted.
#[derive(Debug, Args)]
#[command(after_long_help = exit::help(EXAMPLES))]
pub(super) struct Arguments {
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    keeping: Keeping,
}

const EXAMPLES: &str = "\
EXAMPLES
  As a service, with the settings in its config file:
    moorline run

  By hand, telling what it does:
    moorline run -v --vpn-auth=name=tailscale,joinKey=file:/etc/moorline/key \\
      --pod-cidr 10.42.3.0/24

  Where tailscaled is kept by something other than systemd:
    moorline run --restart-command '/sbin/rc-service tailscale restart'

  With metrics for Prometheus:
    moorline run --metrics 127.0.0.1:9753";

pub(super) async fn run(arguments: &Arguments, place: &Place) -> Answer {
    let (wishes, metrics) = arguments.wishes(place)?;
    let directories = wishes.directories.clone();
    let (service, desk) = Service::new(wishes).await?;
    let mut tasks = Tasks::default();
    let control = Server::open(desk.clone(), directories.clone())?;
    tasks.start("control socket", control.run());
    tasks.start("node files", node_files::keep(directories.run, desk.snapshots()));
    if let Some(address) = metrics {
        tasks.start("metrics", Metrics::open(desk.clone(), address).await?.run());
    }
    let telling = notify::follow(desk.snapshots());
    let (ended, ()) = tokio::join!(service.run(stop()), telling);
    ended?;
    Ok(Exit::Done)
}

/// Comes back where the service is to end, and says so at once.
async fn stop() {
    interruption().await;
    notify::stopping();
}

impl Arguments {
    fn wishes(&self, place: &Place) -> Result<(Wishes, Option<SocketAddr>)> {
        let sources = sources::gather(place, self.flags()?)?;
        let (state, run) = settings::directories(&sources)?;
        let wishes = Wishes {
            settings: wanted(&sources)?,
            lasting: true,
            directories: Directories { state, run },
            restart: settings::restart_command(&sources)?,
        };
        Ok((wishes, settings::metrics(&sources)?))
    }

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

/// What is wanted, where anything says which network.
pub(super) fn wanted(sources: &Sources) -> Result<Option<Settings>> {
    let manifests = providers::manifests(sources)?;
    if settings::provider(sources, &manifests)?.is_none() {
        return Ok(None);
    }
    let settings = settings::resolve(sources, &manifests)?;
    sources::guard_literals(&settings)?;
    Ok(Some(settings))
}
