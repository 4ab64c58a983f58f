//! `moorline up`.

use std::sync::Arc;

use clap::Args;
use provider_api::{Change, ErrorKind, Finding, Result};
use serde::Serialize;

use super::arguments::{Cluster, Network, Place, Waiting};
use super::exit::{self, Exit};
use super::output::{self, Answer};
use super::progress::Progress;
use super::signals::interruption;
use super::{render, sources};
use crate::control::Client;
use crate::host::{Directories, UpReport};
use crate::settings::{Layer, SecretRef, Settings};
use crate::{checks, host, providers, secrets, settings};

/// Join the network, advertise this node's pod CIDRs, and prove that pods reach each other
///
/// May be said again at any time: what is as it should be is left alone. A node that is in the
/// VPN already is adopted as it is, without a key.
///
/// Settings may come from variables and from the config file too, as MOORLINE_POD_CIDR and pod-cidr
/// for --pod-cidr: a flag wins over a variable, a variable over the file.
#[derive(Debug, Args)]
#[command(after_long_help = exit::help(EXAMPLES))]
pub(super) struct Arguments {
    /// Show the settings with their origin, and the changes, without making them
    #[arg(long)]
    dry_run: bool,
    /// Answer in JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    waiting: Waiting,
}

const EXAMPLES: &str = "\
EXAMPLES
  Tailscale, with a key in a file:
    moorline up --vpn-auth=name=tailscale,joinKey=file:/etc/moorline/key \\
      --pod-cidr 10.42.3.0/24

  Headscale, both families, the key and the flags in a file that only root can read:
    echo 'name=tailscale,joinKey=KEY,controlServerURL=https://hs.example.com' |
      install -D -m 600 /dev/stdin /etc/moorline/vpn-auth
    moorline up --vpn-auth-file /etc/moorline/vpn-auth \\
      --cluster-cidr 10.42.0.0/16 --cluster-cidr 2001:cafe:42::/56 \\
      --pod-cidr 10.42.3.0/24 --pod-cidr 2001:cafe:42:3::/64

  A node that is in the tailnet already:
    moorline up --provider tailscale --pod-cidr 10.42.3.0/24";

pub(super) async fn run(arguments: &Arguments, place: &Place) -> Answer {
    let settings = arguments.settings(place)?;
    if arguments.dry_run {
        return dry_run(arguments, &settings).await;
    }
    let service = Client::find(&settings.run_dir.value).await?;
    let progress = Arc::new(Progress::start(place.verbose));
    let report = tokio::select! {
        report = up(service.as_ref(), &settings, &progress) => report,
        () = interruption() => return abandon(service.as_ref(), &settings).await,
    };
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

/// The service does it where one runs: it alone changes things then.
async fn up(
    service: Option<&Client>,
    settings: &Settings,
    progress: &Arc<Progress>,
) -> Result<UpReport> {
    match service {
        Some(service) => service.up(&portable(settings), &**progress).await,
        None => host::up(settings, Arc::clone(progress) as Arc<_>).await,
    }
}

/// The service has an environment and credentials of its own: what those of this process hold
/// goes along.
fn portable(settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    for secret in settings.secrets.values_mut() {
        if let SecretRef::Env(_) | SecretRef::Cred(_) = secret.value
            && let Ok(found) = secrets::resolve(&secret.value, &settings.state_dir.value)
        {
            secret.value = SecretRef::Literal(found);
        }
    }
    settings
}

/// Nobody waits any more: what was begun goes on without anybody who would end it. The service
/// ends it itself, once its caller is gone.
async fn abandon(service: Option<&Client>, settings: &Settings) -> Answer {
    if service.is_some() {
        return Ok(Exit::Interrupted);
    }
    let directories = Directories::from(settings);
    tokio::select! {
        abandoned = host::abandon(&directories) => abandoned?,
        () = interruption() => {}
    }
    Ok(Exit::Interrupted)
}

/// The settings are shown even where the changes cannot be told, unless it is the settings that
/// are at fault: a key in the wrong place must not be shown.
async fn dry_run(arguments: &Arguments, settings: &Settings) -> Answer {
    let plan = match host::plan(settings).await {
        Err(error) if arguments.json || error.kind == ErrorKind::Settings => {
            return Err(error.into());
        }
        plan => plan,
    };
    if arguments.json {
        let (rows, findings) = (settings::rows(settings), &settings.findings);
        output::json(&DryRun { settings: rows, changes: &plan?.changes, findings })?;
    } else {
        output::text(&render::settings::text(settings))?;
        output::text(&render::plan::section(&plan?))?;
    }
    Ok(Exit::Done)
}

/// What `--dry-run --json` answers.
#[derive(Serialize)]
struct DryRun<'a> {
    settings: Vec<settings::Row>,
    changes: &'a [Change],
    findings: &'a [Finding],
}

impl Arguments {
    fn settings(&self, place: &Place) -> Result<Settings> {
        let sources = sources::gather(place, self.flags()?)?;
        let settings = settings::resolve(&sources, &providers::manifests(&sources)?)?;
        sources::guard_literals(&settings)?;
        Ok(settings)
    }

    fn flags(&self) -> Result<Layer> {
        let mut flags = Layer::default();
        self.network.say(&mut flags);
        self.cluster.say(&mut flags);
        self.waiting.say(&mut flags);
        if let Some(path) = self.network.vpn_auth_file() {
            flags.vpn_auth.push(sources::vpn_auth_file(path)?);
        }
        Ok(flags)
    }
}
