//! A pod CIDR that somebody else has: an offline owner is taken over, an online one is not.
//!
//! A control server calls a node online for some seconds after it is gone (headscale about
//! ten). The old self of a node that was made anew looks like a rival until then.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use ipnet::IpNet;
use linux::icmp;
use provider_api::{Desired, Finding, Observed, Peer, Result, Step, StepState};

use crate::checks::{Claim, abandoned, claim};
use crate::host::open::Opened;

/// How long a control server may take to notice that a node is gone.
const NOTICE: Duration = Duration::from_secs(15);
const USUAL: Duration = Duration::from_secs(10);
const NEXT_LOOK: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(1);

/// Waits while an owner that does not answer may turn out to be gone. Comes back at once
/// where nobody owns the pod CIDRs, and where an owner answers; the checks judge the rest.
/// Tells of the owners that are gone: their routes went with them.
pub(super) async fn settle(
    opened: &Opened,
    desired: &Desired,
    first: Observed,
) -> Result<(Observed, Vec<Finding>)> {
    let deadline = Instant::now() + NOTICE;
    let mut observed = first;
    let mut events = opened.network.events();
    let mut gone = Vec::new();
    while let Some((pod_cidr, owner)) = taken(desired, &observed) {
        if Instant::now() >= deadline || answers(owner).await {
            return Ok((observed, Vec::new()));
        }
        opened.session.tell(waiting(owner));
        gone.push(abandoned(pod_cidr, owner));
        let _changed = tokio::time::timeout(NEXT_LOOK, events.next()).await;
        observed = opened.network.observe().await?;
    }
    if !gone.is_empty() {
        opened.session.done("takeover", "the node that had this pod CIDR is gone");
    }
    Ok((observed, gone))
}

fn taken<'a>(desired: &'a Desired, observed: &'a Observed) -> Option<(&'a IpNet, &'a Peer)> {
    let claim = |cidr| claim(cidr, &desired.cluster_cidrs, &observed.peers);
    desired.pod_cidrs.iter().find_map(|cidr| match claim(cidr) {
        Claim::Taken(owner) => Some((cidr, owner.peer)),
        Claim::Free | Claim::Abandoned(_) => None,
    })
}

/// Whether the peer itself answers at any of its addresses. Silence may be policy too.
async fn answers(peer: &Peer) -> bool {
    icmp::any_answers(&peer.addresses, ANSWER).await.unwrap_or(false)
}

fn waiting(owner: &Peer) -> Step {
    Step {
        id: "takeover".into(),
        text: format!("{} had this pod CIDR and does not answer; is it gone?", owner.name),
        state: StepState::Waiting { about: USUAL },
    }
}
