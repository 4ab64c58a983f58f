//! What to do about what was seen. Pure.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use provider_api::{Change, ErrorKind, Observed, Repair, Result};

use super::attempts::Attempts;
use super::subject::Subject;
use crate::proof;

/// How long a daemon that went away has to come back by itself: its service manager, or
/// whoever upgrades it, may be at it.
const GRACE: Duration = Duration::from_secs(1);

/// What was seen in one look at everything.
#[derive(Debug)]
pub(super) struct World {
    /// Whether the node ever became a member.
    pub is_member: bool,
    /// What the network's daemon answered.
    pub network: Result<Observed>,
    /// Since when it is away.
    pub away_since: Option<Instant>,
    /// What of the daemon's settings and the rules around them is not as desired.
    pub drift: Vec<Change>,
    /// What of the pod network is not as desired.
    pub pods: Vec<Change>,
    /// Whether the control server is to be asked how this node and its routes stand.
    pub is_unclear: bool,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Become a member, or be one again, with all that follows.
    Establish,
    /// Make the daemon's settings as desired.
    Apply,
    /// Make the pod network as desired.
    Pods,
    /// Nudge the provider.
    Repair(Repair),
}

impl Act {
    fn subjects(&self, world: &World) -> BTreeSet<Subject> {
        match self {
            Act::Establish => BTreeSet::from([Subject::Membership]),
            Act::Apply => settings(&world.drift),
            Act::Pods => settings(&proof::causes(&world.pods)),
            Act::Repair(what) => BTreeSet::from([Subject::Nudge(*what)]),
        }
    }
}

fn settings(changes: &[Change]) -> BTreeSet<Subject> {
    changes.iter().map(|change| Subject::Setting(change.subject.clone())).collect()
}

/// An act with the subjects that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    /// What to do.
    pub act: Act,
    /// What it mends.
    pub subjects: BTreeSet<Subject>,
}

/// What is off, and what of it may be tried now. Takes the look into `attempts`.
pub(super) fn decide(world: &World, attempts: &mut Attempts, now: Instant) -> Vec<Due> {
    let off: Vec<Due> = wanted(world, now)
        .into_iter()
        .map(|act| Due { subjects: act.subjects(world), act })
        .collect();
    let subjects = off.iter().flat_map(|due| due.subjects.iter().cloned()).collect();
    attempts.saw(&subjects, now);
    let may = |due: &Due| due.subjects.iter().any(|subject| attempts.may(subject, now));
    off.into_iter().filter(may).collect()
}

/// Everything that is to be done, in this order.
fn wanted(world: &World, now: Instant) -> Vec<Act> {
    if !world.is_member {
        return vec![Act::Establish];
    }
    let mut acts = Vec::new();
    if !world.pods.is_empty() {
        acts.push(Act::Pods);
    }
    match &world.network {
        Ok(observed) if observed.up => acts.extend(of_network(world, observed)),
        Ok(observed) if observed.wants.contains(&Repair::Restart) => {
            acts.push(Act::Repair(Repair::Restart));
        }
        Ok(_) => acts.push(Act::Establish),
        Err(error) if error.kind == ErrorKind::Unavailable => {
            let gone = world.away_since.is_some_and(|since| now >= since + GRACE);
            acts.extend(gone.then_some(Act::Repair(Repair::Restart)));
        }
        Err(_) => {}
    }
    acts
}

fn of_network(world: &World, observed: &Observed) -> Vec<Act> {
    let apply = (!world.drift.is_empty()).then_some(Act::Apply);
    let wants = observed.wants.iter().copied().map(Act::Repair);
    let refresh = world.is_unclear.then_some(Act::Repair(Repair::Refresh));
    apply.into_iter().chain(wants).chain(refresh).collect()
}

/// When a daemon that is away has had its time.
pub(super) fn grace_ends(world: &World) -> Option<Instant> {
    world.away_since.map(|since| since + GRACE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::example::observed;
    use provider_api::Error;

    fn world() -> World {
        World {
            is_member: true,
            network: Ok(observed()),
            away_since: None,
            drift: vec![],
            pods: vec![],
            is_unclear: false,
        }
    }

    fn change(subject: &str) -> Change {
        Change { subject: subject.into(), from: String::new(), to: "1".into(), why: String::new() }
    }

    fn acts(world: &World, attempts: &mut Attempts, now: Instant) -> Vec<Act> {
        decide(world, attempts, now).into_iter().map(|due| due.act).collect()
    }

    #[test]
    fn a_world_as_desired_needs_nothing() {
        assert_eq!(acts(&world(), &mut Attempts::default(), Instant::now()), []);
    }

    #[test]
    fn each_thing_that_is_off_has_its_act() {
        let mut off = world();
        off.drift.push(change("NoSNAT"));
        off.pods.push(change("net/ipv4/ip_forward"));
        if let Ok(observed) = &mut off.network {
            observed.wants.push(Repair::PeerRoutes);
        }
        let wanted = [Act::Pods, Act::Apply, Act::Repair(Repair::PeerRoutes)];
        assert_eq!(acts(&off, &mut Attempts::default(), Instant::now()), wanted);
    }

    #[test]
    fn a_node_that_is_out_is_let_in_again_and_pods_are_kept_meanwhile() {
        let mut out = world();
        out.pods.push(change("pod network"));
        if let Ok(observed) = &mut out.network {
            observed.up = false;
        }
        let wanted = [Act::Pods, Act::Establish];
        assert_eq!(acts(&out, &mut Attempts::default(), Instant::now()), wanted);
    }

    #[test]
    fn a_daemon_that_is_broken_is_started_before_it_is_asked_in() {
        let mut broken = world();
        if let Ok(observed) = &mut broken.network {
            observed.up = false;
            observed.wants.push(Repair::Restart);
        }
        let wanted = [Act::Repair(Repair::Restart)];
        assert_eq!(acts(&broken, &mut Attempts::default(), Instant::now()), wanted);
    }

    #[test]
    fn a_daemon_that_went_away_may_come_back_before_it_is_started() {
        let now = Instant::now();
        let mut away = world();
        away.network = Err(Error::unavailable("away", "it is away"));
        away.away_since = Some(now);
        let mut attempts = Attempts::default();
        assert_eq!(acts(&away, &mut attempts, now), []);
        assert_eq!(acts(&away, &mut attempts, now + GRACE), [Act::Repair(Repair::Restart)]);
        assert_eq!(grace_ends(&away), Some(now + GRACE));
    }

    #[test]
    fn what_is_in_quarrel_waits_and_holds_nothing_else_back() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let mut off = world();
        off.pods.push(change("net/ipv4/ip_forward"));
        assert_eq!(acts(&off, &mut attempts, now), [Act::Pods]);
        attempts.mended(&Subject::Setting("net/ipv4/ip_forward".into()), now);
        assert_eq!(acts(&off, &mut attempts, now), []);
        off.drift.push(change("NoSNAT"));
        assert_eq!(acts(&off, &mut attempts, now), [Act::Apply]);
    }
}
