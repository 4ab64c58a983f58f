//! Whether requests leave with the address that they had: one that was translated is answered
//! without anybody's route to the pods.

use futures_util::future::join_all;
use ipnet::IpNet;
use linux::icmp::{Echo, Pinger, SMALL};

use super::counters::{self, Pair};
use super::echoes::{BRISK, insist};
use super::evidence::{CanaryEvidence, Counted, Evidence};

/// So many answers are looked at: what is translated for one is so for all.
const MOST_CANARIES: usize = 8;

/// Watches the requests leave that were answered inside these pod CIDRs, where no responder
/// told what it saw.
pub(super) async fn look(pinger: &Pinger, unserved: &[IpNet], evidence: &mut Evidence) {
    let is_open = |canary: &&mut CanaryEvidence| {
        let is_unserved = unserved.iter().any(|cidr| cidr.contains(&canary.source));
        canary.small.is_reply() && canary.source_kept.is_none() && is_unserved
    };
    let canaries = evidence.peers.iter_mut().flat_map(|peer| &mut peer.canaries);
    let canaries: Vec<_> = canaries.filter(is_open).take(MOST_CANARIES).collect();
    let pair = |canary: &&mut CanaryEvidence| Pair { own: canary.source, peer: canary.canary };
    let pairs: Vec<Pair> = canaries.iter().map(pair).collect();
    if pairs.is_empty() || !counters::start(&pairs, &evidence.here).await {
        return;
    }
    let asked = pairs.iter().map(async |Pair { own, peer }| {
        insist(pinger, &Echo::new(*own, *peer, SMALL), BRISK).await
    });
    join_all(asked).await;
    let counted = counters::end(pairs.len()).await;

    for (canary, counted) in canaries.into_iter().zip(counted) {
        canary.source_kept = counted.and_then(source_kept);
    }
}

/// None where no request was seen to leave.
fn source_kept(counted: Counted) -> Option<bool> {
    (counted.request_out > 0).then_some(counted.request_masked == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_saw_leave_is_unknown() {
        let seen = |request_out, request_masked| {
            source_kept(Counted { request_out, request_masked, ..Counted::default() })
        };
        assert_eq!([seen(0, 0), seen(1, 0), seen(1, 1)], [None, Some(true), Some(false)]);
    }
}
