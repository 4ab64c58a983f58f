//! A pod CIDR that somebody else has: an offline owner is taken over, an online one is not.
//!
//! A control server calls a node online for some seconds after it is gone (headscale about
//! ten). The old self of a node that was made anew looks like a rival until then.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use linux::icmp;
use provider_api::{Desired, Observed, Peer, Result, Step, StepState};

use crate::checks::{Claim, claim};
use crate::host::open::Opened;

/// How long a control server may take to notice that a node is gone.
const NOTICE: Duration = Duration::from_secs(15);
const USUAL: Duration = Duration::from_secs(10);
const NEXT_LOOK: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(1);

/// Waits while an owner that does not answer may turn out to be gone. Comes back at once
/// where nobody owns the pod CIDRs, and where an owner answers; the checks judge the rest.
pub(super) async fn settle(
    opened: &Opened,
    desired: &Desired,
    first: Observed,
) -> Result<Observed> {
    let deadline = Instant::now() + NOTICE;
    let mut observed = first;
    let mut events = opened.network.events();
    let mut waited = false;
    while let Some(owner) = taken(desired, &observed).cloned() {
        if Instant::now() >= deadline || answers(&owner).await {
            return Ok(observed);
        }
        opened.session.tell(waiting(&owner));
        waited = true;
        let _changed = tokio::time::timeout(NEXT_LOOK, events.next()).await;
        observed = opened.network.observe().await?;
    }
    if waited {
        opened.session.done("takeover", "the node that had this pod CIDR is gone");
    }
    Ok(observed)
}

fn taken<'a>(desired: &Desired, observed: &'a Observed) -> Option<&'a Peer> {
    desired.pod_cidrs.iter().find_map(|cidr| match claim(cidr, &observed.peers) {
        Claim::Taken(peer) => Some(peer),
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
