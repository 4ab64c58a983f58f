//! `moorline up`.

use std::sync::Arc;

use clap::Args;
use provider_api::{Change, Finding, Result};
use serde::Serialize;

use super::arguments::{Cluster, Network, Place, Waiting};
use super::exit::Exit;
use super::output::{self, Answer};
use super::progress::Progress;
use super::{render, sources};
use crate::settings::{Layer, Settings};
use crate::{checks, host, providers, settings};

/// Join the network, advertise this node's pod CIDRs, and prove that pods reach each other
///
/// May be said again at any time: what is as it should be is left alone. A node that is in the
/// VPN already is adopted as it is, without a key.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    waiting: Waiting,
    /// Show the settings with their origin, and the changes, without making them
    #[arg(long)]
    dry_run: bool,
    /// Answer in JSON
    #[arg(long)]
    pub(super) json: bool,
}

const EXAMPLES: &str = "\
EXAMPLES
  Tailscale, with a key in a file:
    moorline up --vpn-auth=name=tailscale,joinKey=file:/etc/moorline/key \\
      --pod-cidr 10.42.3.0/24

  Headscale, both families, a tag:
    moorline up --vpn-auth='name=tailscale,joinKey=cred:key,controlServerURL=https://hs.example.com,extraArgs=--advertise-tags=tag:k8s' \\
      --cluster-cidr 10.42.0.0/16,2001:cafe:42::/56 --pod-cidr 10.42.3.0/24,2001:cafe:42:3::/64

  A node that is in the tailnet already:
    moorline up --provider tailscale --pod-cidr 10.42.3.0/24";

pub(super) async fn run(arguments: &Arguments, place: &Place) -> Answer {
    let settings = arguments.settings(place)?;
    if arguments.dry_run {
        return dry_run(arguments, &settings).await;
    }
    let progress = Arc::new(Progress::start(place.verbose));
    let report = host::up(&settings, Arc::clone(&progress) as Arc<_>).await;
    progress.finish();
    let mut report = report?;
    report.status.findings.extend(settings.findings);
    checks::sort(&mut report.status.findings);
    match arguments.json {
        true => output::json(&report)?,
        false => output::text(&render::up::text(&report))?,
    }
    Ok(if report.reached() { Exit::Done } else { Exit::NotReached })
}

async fn dry_run(arguments: &Arguments, settings: &Settings) -> Answer {
    let plan = host::plan(settings).await?;
    if arguments.json {
        let rows = render::settings::rows(settings);
        let findings = &settings.findings;
        output::json(&DryRun { settings: rows, changes: &plan.changes, findings })?;
    } else {
        output::text(&render::settings::text(settings, &plan))?;
    }
    Ok(Exit::Done)
}

/// What `--dry-run --json` answers.
#[derive(Serialize)]
struct DryRun<'a> {
    settings: Vec<render::settings::Row>,
    changes: &'a [Change],
    findings: &'a [Finding],
}

impl Arguments {
    fn settings(&self, place: &Place) -> Result<Settings> {
        let sources = sources::gather(place, self.flags()?)?;
        let settings = settings::resolve(&sources, &providers::manifests()?)?;
        sources::guard_literals(&settings)?;
        Ok(settings)
    }

    fn flags(&self) -> Result<Layer> {
        let mut flags = Layer::default();
        self.network.say(&mut flags);
        self.cluster.say(&mut flags);
        self.waiting.say(&mut flags);
        if let Some(path) = &self.network.vpn_auth_file {
            flags.vpn_auth.push(sources::vpn_auth_file(path)?);
        }
        Ok(flags)
    }
}
