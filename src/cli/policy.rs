//! `moorline policy print`.

use clap::{Args, Subcommand};
use provider_api::{Error, PolicyRequest, PolicySubject, Provider, Result};
use serde::Serialize;

use super::arguments::{Place, say};
use super::exit::{self, Exit};
use super::output::{self, Answer};
use super::sources;
use crate::providers;
use crate::settings::{self, Layer, Sources, Word};

/// What the control server's policy must hold
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Print(Print),
}

/// Print the approvals and grants for the cluster's CIDRs and the probes
///
/// The text goes into the policy editor of Tailscale, or into headscale's policy file.
#[derive(Debug, Args)]
#[command(after_long_help = exit::help(EXAMPLES))]
struct Print {
    #[command(flatten)]
    subject: Subject,
    /// The kind of control server: tailscale or headscale [default: tailscale]
    #[arg(long, value_name = "KIND")]
    server: Option<String>,
    /// The cluster's pod CIDR; say it again for IPv6 [default: 10.42.0.0/16]
    #[arg(long, value_name = "CIDR")]
    cluster_cidr: Vec<String>,
    /// The provider [default: the first that is built in]
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Answer in JSON: the text as one string
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Subject {
    /// The nodes carry this tag, such as tag:k8s
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// The nodes belong to this user, such as alice@example.com
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

const EXAMPLES: &str = "\
EXAMPLES
  Nodes with a tag, at headscale, both families:
    moorline policy print --tag tag:k8s --server headscale \\
      --cluster-cidr 10.42.0.0/16,2001:cafe:42::/56

  Nodes of a user, at Tailscale:
    moorline policy print --user alice@example.com --server tailscale";

/// What `policy print --json` answers.
#[derive(Serialize)]
struct Policy {
    policy: String,
}

pub(super) fn run(arguments: &Arguments, place: &Place) -> Answer {
    let Command::Print(print) = &arguments.command;
    let mut policy = print.policy(place)?;
    if print.json {
        output::json(&Policy { policy })?;
        return Ok(Exit::Done);
    }
    if !policy.ends_with('\n') {
        policy.push('\n');
    }
    output::text(&policy)?;
    Ok(Exit::Done)
}

impl Arguments {
    pub(super) fn wants_json(&self) -> bool {
        let Command::Print(print) = &self.command;
        print.json
    }
}

impl Print {
    fn policy(&self, place: &Place) -> Result<String> {
        let mut flags = Layer::default();
        say(&mut flags, Word::ClusterCidr, &self.cluster_cidr);
        say(&mut flags, Word::Provider, self.provider.as_ref());
        let sources = sources::gather(place, flags)?;
        let request = PolicyRequest {
            cluster_cidrs: settings::cluster_cidrs(&sources)?,
            subject: self.subject.subject()?,
            server: self.server.clone(),
        };
        provider(&sources)?.policy(&request)
    }
}

impl Subject {
    fn subject(&self) -> Result<PolicySubject> {
        match (&self.tag, &self.user) {
            (Some(tag), _) => Ok(PolicySubject::Tag(tag.clone())),
            (None, Some(user)) => Ok(PolicySubject::User(user.clone())),
            (None, None) => Err(Error::bug("neither --tag nor --user")),
        }
    }
}

fn provider(sources: &Sources) -> Result<Box<dyn Provider>> {
    let manifests = providers::manifests(sources)?;
    let first = || manifests.first().map(|manifest| manifest.name.clone());
    let name = match settings::provider(sources, &manifests)? {
        Some(name) => Some(name),
        None => first(),
    };
    providers::find(&name.ok_or_else(|| Error::bug("no provider is built in"))?)
}
