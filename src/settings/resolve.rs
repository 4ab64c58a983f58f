//! From what was typed to settings: flag over environment over config file over default.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};
use provider_api::{Error, Finding, Manifest, RouteMode, Severity};

use super::origin::{Origin, Sourced};
use super::words::{Sources, Word};
use super::{Settings, cidrs, parse, provider};
use crate::cidr;
use crate::stage::Stage;

/// k3s's own defaults.
const CLUSTER_CIDR: Ipv4Net = Ipv4Net::new_assert(std::net::Ipv4Addr::new(10, 42, 0, 0), 16);
const SERVICE_CIDR: Ipv4Net = Ipv4Net::new_assert(std::net::Ipv4Addr::new(10, 43, 0, 0), 16);
/// The cluster that a node belongs to where nobody says which.
pub const DEFAULT_CLUSTER: &str = "default";
const POD_BRIDGE: &str = "moorline0";
const WAIT_FOR: Duration = Duration::from_secs(120);
const JOIN_DEADLINE: Duration = Duration::from_secs(60);
const STATE_DIR: &str = "/var/lib/moorline";
const RUN_DIR: &str = "/run/moorline";

/// Reads everything that was typed, for one of these providers.
///
/// # Errors
/// [`ErrorKind::Settings`](provider_api::ErrorKind::Settings), naming the place and the value;
/// of a secret only the place.
pub fn resolve(sources: &Sources, providers: &[Manifest]) -> Result<Settings, Error> {
    let (provider, values, findings) = provider::choose(sources, providers)?;
    let typed = Typed(sources);
    let mut settings = Settings {
        provider,
        keys: values.keys,
        secrets: values.secrets,
        extra_args: values.extra_args.unwrap_or_else(|| Sourced::default(Vec::new())),
        node_name: typed.said(Word::NodeName, parse::node_name)?,
        cluster: typed
            .one(Word::Cluster, cluster, || cluster(DEFAULT_CLUSTER, &Origin::Default))?,
        cluster_cidrs: typed.cidrs(Word::ClusterCidr, &[CLUSTER_CIDR])?,
        service_cidrs: typed.cidrs(Word::ServiceCidr, &[SERVICE_CIDR])?,
        pod_cidrs: typed.cidrs(Word::PodCidr, &[])?,
        mode: typed.one(Word::Mode, parse::mode, || Ok(RouteMode::Routed))?,
        pod_bridge: typed.one(Word::PodBridge, parse::interface, || Ok(POD_BRIDGE.into()))?,
        wait: typed.one(Word::Wait, parse::wait, || Ok(Some(Stage::Proven)))?,
        wait_for: typed.one(Word::WaitFor, parse::duration, || Ok(WAIT_FOR))?,
        join_deadline: typed.one(Word::JoinDeadline, parse::duration, || Ok(JOIN_DEADLINE))?,
        allow_move: typed.one(Word::Move, parse::answer, || Ok(false))?,
        allow_rejoin: typed.one(Word::Rejoin, parse::answer, || Ok(false))?,
        restart_command: typed.said(Word::RestartCommand, parse::command)?,
        metrics: typed.said(Word::Metrics, parse::loopback)?,
        state_dir: typed.directory(Word::StateDir, STATE_DIR)?,
        run_dir: typed.directory(Word::RunDir, RUN_DIR)?,
        findings,
    };
    consistent(&settings)?;
    let overlap = service_overlap(&settings)?;
    settings.findings.extend(overlap);
    Ok(settings)
}

/// Where state lies, for the commands that need no other setting: what is kept, and what lasts
/// until the next boot.
///
/// # Errors
/// [`ErrorKind::Settings`](provider_api::ErrorKind::Settings) for a path that is not absolute.
pub fn directories(sources: &Sources) -> Result<(PathBuf, PathBuf), Error> {
    let typed = Typed(sources);
    let state = typed.directory(Word::StateDir, STATE_DIR)?;
    let run = typed.directory(Word::RunDir, RUN_DIR)?;
    Ok((state.value, run.value))
}

/// The command that starts the VPN's daemon anew, alone; see [`Settings::restart_command`].
///
/// # Errors
/// [`ErrorKind::Settings`](provider_api::ErrorKind::Settings) for a program without its path.
pub fn restart_command(sources: &Sources) -> Result<Option<Vec<String>>, Error> {
    let said = Typed(sources).said(Word::RestartCommand, parse::command)?;
    Ok(said.map(|said| said.value))
}

/// The address at which metrics can be read, alone; see [`Settings::metrics`].
///
/// # Errors
/// [`ErrorKind::Settings`](provider_api::ErrorKind::Settings) for an address that others can
/// reach.
pub fn metrics(sources: &Sources) -> Result<Option<SocketAddr>, Error> {
    let said = Typed(sources).said(Word::Metrics, parse::loopback)?;
    Ok(said.map(|said| said.value))
}

/// The cluster's CIDRs alone.
///
/// # Errors
/// [`ErrorKind::Settings`](provider_api::ErrorKind::Settings) for what is no CIDR.
pub fn cluster_cidrs(sources: &Sources) -> Result<Vec<IpNet>, Error> {
    Ok(Typed(sources).cidrs(Word::ClusterCidr, &[CLUSTER_CIDR])?.value)
}

/// What single values cannot tell.
fn consistent(settings: &Settings) -> Result<(), Error> {
    let Settings { pod_cidrs, cluster_cidrs, mode, .. } = settings;
    cidrs::inside(pod_cidrs, cluster_cidrs)?;
    cidrs::roomy(pod_cidrs)?;
    if mode.value == RouteMode::Underlay && !pod_cidrs.value.is_empty() {
        let what = format!("pod CIDRs are carried in mode routed only ({}: underlay)", mode.origin);
        let fix = "leave the pod CIDRs out, or choose --mode routed";
        return Err(pod_cidrs.origin.error("pod-cidr-in-underlay", what).fix(fix));
    }
    Ok(())
}

/// Service CIDRs that were said must stand apart; k3s's own are a guess.
fn service_overlap(settings: &Settings) -> Result<Option<Finding>, Error> {
    const CODE: &str = "service-cidr-overlap";
    const FIX: &str = "give --cluster-cidr and --service-cidr as the cluster has them";
    let Settings { cluster_cidrs, service_cidrs, .. } = settings;
    let overlap = |(one, other): &(IpNet, IpNet)| cidr::overlap(one, other);
    let services = service_cidrs.value.iter();
    let mut pairs =
        services.flat_map(|service| cluster_cidrs.value.iter().map(|cluster| (*service, *cluster)));
    let Some((service, cluster)) = pairs.find(overlap) else { return Ok(None) };
    let what = format!(
        "service CIDR {service} ({}) overlaps cluster CIDR {cluster} ({})",
        service_cidrs.origin, cluster_cidrs.origin
    );
    if service_cidrs.origin == Origin::Default {
        let why = "Kubernetes needs them apart, and checks here go by the guess";
        return Ok(Some(Finding::new(Severity::Warning, CODE, what, why).fix(FIX)));
    }
    Err(Error::settings(CODE, what).fix(FIX))
}

fn cluster(text: &str, origin: &Origin) -> Result<provider_api::ClusterName, Error> {
    text.parse().map_err(|error| {
        origin.error("cluster-name", error).fix("lower-case letters, digits and `-`, as in blue-2")
    })
}

struct Typed<'a>(&'a Sources);

impl Typed<'_> {
    /// A word with one value, where it was said.
    fn said<T>(
        &self,
        word: Word,
        read: impl FnOnce(&str, &Origin) -> Result<T, Error>,
    ) -> Result<Option<Sourced<T>>, Error> {
        let read =
            |texts: &Vec<String>, origin: &Origin| read(parse::single(texts, origin)?, origin);
        self.0.word(word).map(|typed| typed.read(read)).transpose()
    }

    /// A word with one value, or its default.
    fn one<T>(
        &self,
        word: Word,
        read: impl FnOnce(&str, &Origin) -> Result<T, Error>,
        default: impl FnOnce() -> Result<T, Error>,
    ) -> Result<Sourced<T>, Error> {
        match self.said(word, read)? {
            Some(value) => Ok(value),
            None => default().map(Sourced::default),
        }
    }

    fn cidrs(&self, word: Word, default: &[Ipv4Net]) -> Result<Sourced<Vec<IpNet>>, Error> {
        match self.0.word(word) {
            Some(typed) => typed.read(|texts, origin| cidrs::read(texts, origin)),
            None => Ok(Sourced::default(default.iter().map(|net| IpNet::V4(*net)).collect())),
        }
    }

    fn directory(&self, word: Word, default: &str) -> Result<Sourced<PathBuf>, Error> {
        self.one(word, parse::directory, || Ok(PathBuf::from(default)))
    }
}

#[cfg(test)]
mod tests;
