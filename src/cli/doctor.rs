//! `moorline doctor`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use provider_api::{Change, Plan, Result, Severity};
use serde::Serialize;

use super::arguments::{Cluster, Network, Place};
use super::exit::{self, Exit};
use super::output::{self, Answer};
use super::progress::Progress;
use super::run::wanted;
use super::{render, sources};
use crate::bundle::{self, Known};
use crate::checks;
use crate::control::Client;
use crate::host::{self, Diagnosis, Directories, Snapshot, unknown};
use crate::settings::{self, Layer, Settings};

/// What is wrong with this node, or would be once it joins, and what helps
///
/// Looks at the network that this node is in, at its machine and at the other nodes; before a join,
/// at what the join would meet. Changes nothing, unless it is told to. Where the service runs, what
/// the service found is told as well.
#[derive(Debug, Args)]
#[command(after_long_help = exit::help(EXAMPLES))]
pub(super) struct Arguments {
    /// First make what is Moorline's own on this machine as it is to be; nothing of an administrator's
    #[arg(long)]
    fix: bool,
    /// Pack what a bug report needs into an archive, without secrets
    #[arg(long, value_name = "PATH", num_args = 0..=1, conflicts_with = "fix")]
    bundle: Option<Option<PathBuf>>,
    /// Answer in JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    cluster: Cluster,
}

const EXAMPLES: &str = "\
EXAMPLES
  What is wrong here:
    moorline doctor

  What a join would meet:
    moorline doctor --vpn-auth=name=tailscale --pod-cidr 10.42.3.0/24

  Put back what somebody took away:
    moorline doctor --fix

  For a bug report:
    moorline doctor --bundle /tmp/node-a.tar.gz";

pub(super) async fn run(arguments: &Arguments, place: &Place) -> Answer {
    let sources = sources::gather(place, arguments.flags()?)?;
    let (state, run) = settings::directories(&sources)?;
    let examination = Examination {
        settings: wanted(&sources),
        directories: Directories { state, run },
        service: None,
    };
    let mut examination = examination.with_service().await?;
    let fixed = match arguments.fix {
        true => Some(examination.fix(place).await?),
        false => None,
    };
    let diagnosis = examination.diagnose().await;
    let report =
        Report { fixed: fixed.as_ref().map(|plan| &plan.changes[..]), diagnosis: &diagnosis };
    match &arguments.bundle {
        Some(path) => examination.pack(&report, path.clone(), arguments.json).await?,
        None if arguments.json => output::json(&report)?,
        None => output::text(&report.text())?,
    }
    Ok(exit(&diagnosis, arguments.bundle.is_some()))
}

impl Arguments {
    fn flags(&self) -> Result<Layer> {
        let mut flags = Layer::default();
        self.network.say(&mut flags);
        self.cluster.say(&mut flags);
        if let Some(path) = self.network.vpn_auth_file() {
            flags.vpn_auth.push(sources::vpn_auth_file(path)?);
        }
        Ok(flags)
    }
}

/// A bundle is done when it is written, whatever is in it.
fn exit(diagnosis: &Diagnosis, is_bundle: bool) -> Exit {
    let is_error = diagnosis.findings.iter().any(|finding| finding.severity == Severity::Error);
    if is_error && !is_bundle { Exit::Found } else { Exit::Done }
}

struct Examination {
    settings: Result<Option<Settings>>,
    directories: Directories,
    service: Option<(Client, Snapshot)>,
}

impl Examination {
    async fn with_service(mut self) -> Result<Self> {
        if let Some(client) = Client::find(&self.directories.run).await? {
            let snapshot = client.status().await?;
            self.service = Some((client, snapshot));
        }
        Ok(self)
    }

    /// A service mends by itself, and is told to try everything now.
    async fn fix(&mut self, place: &Place) -> Result<Plan> {
        if let Some((client, before)) = &mut self.service {
            let after = client.reconcile().await?;
            let changes = by_service(before, &after);
            *before = after;
            return Ok(Plan { changes });
        }
        let progress = Arc::new(Progress::start(place.verbose));
        let mended = host::mend(&self.directories, Arc::clone(&progress) as _).await;
        progress.finish();
        mended
    }

    async fn diagnose(&self) -> Diagnosis {
        let settings = self.settings.as_ref().ok().and_then(Option::as_ref);
        let mut diagnosis = host::examine(settings, &self.directories).await;
        diagnosis.findings.extend(self.settings.as_ref().err().cloned().map(unknown));
        let told = self.service.iter().flat_map(|(_, snapshot)| snapshot.all_findings());
        let is_new = |code: &str| !diagnosis.findings.iter().any(|finding| finding.code == code);
        let told: Vec<_> = told.filter(|finding| is_new(&finding.code)).cloned().collect();
        diagnosis.findings.extend(told);
        checks::sort(&mut diagnosis.findings);
        diagnosis
    }

    async fn pack(
        &self,
        report: &Report<'_>,
        path: Option<PathBuf>,
        json: bool,
    ) -> std::result::Result<(), output::Failure> {
        let path = path.unwrap_or_else(usual_name);
        let text = anstream::adapter::strip_str(&report.text()).to_string();
        let known = Known {
            diagnosis: report.diagnosis,
            text: &text,
            snapshot: self.service.as_ref().map(|(_, snapshot)| snapshot),
            settings: self.settings.as_ref().map(Option::as_ref),
            directories: &self.directories,
        };
        let files = bundle::write(known, &path).await?;
        match json {
            true => output::json(&Packed { bundle: &path, files: &files }),
            false => output::text(&render::doctor::packed(&path, &files)),
        }
    }
}

/// What the service mended meanwhile.
fn by_service(before: &Snapshot, after: &Snapshot) -> Vec<Change> {
    let count = |snapshot: &Snapshot, subject: &str| {
        snapshot.service.repairs.get(subject).copied().unwrap_or_default()
    };
    let subjects = after.service.repairs.keys();
    let mended = subjects.filter(|subject| count(after, subject) > count(before, subject));
    let change = |subject: &String| Change {
        subject: subject.clone(),
        from: String::new(),
        to: "mended by the service".to_owned(),
        why: String::new(),
    };
    mended.map(change).collect()
}

fn usual_name() -> PathBuf {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    format!("moorline-bundle-{}.tar.gz", now.strftime("%Y%m%d-%H%M%S")).into()
}

/// What `--json` answers.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed: Option<&'a [Change]>,
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
}

impl Report<'_> {
    fn text(&self) -> String {
        render::doctor::text(self.fixed, &self.diagnosis.findings)
    }
}

/// What `--bundle --json` answers.
#[derive(Serialize)]
struct Packed<'a> {
    bundle: &'a PathBuf,
    files: &'a [String],
}
