//! What may be wrong at the peer, or on the way there.

use super::{Subject, Words, silence};
use crate::proof::cause::Beyond;

pub(super) fn words(beyond: &Beyond, subject: Subject<'_>) -> Words {
    let Subject { peer, canary, .. } = subject;
    let whom = subject.whom();
    match beyond {
        Beyond::ForwardingOff => Words::new(
            "forwarding-off-at-peer",
            format!("{peer} itself answers, but forwards nothing to its pods ({canary})"),
            format!(
                "on {peer}: sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1, or \
                 `moorline up`"
            ),
        ),
        Beyond::Firewall => Words::new(
            "firewall-at-peer",
            format!("{peer} forwards, but its firewall drops packets to or from {canary}"),
            format!("on {peer}: moorline status   # names the table and the chain"),
        ),
        Beyond::Refused { from } => Words::new(
            "refused",
            format!("{from} refuses packets to {whom} ({canary})"),
            format!("on {from}: accept packets to and from {whom} in the firewall"),
        ),
        Beyond::NoCanary => Words::new(
            "peer-without-canary",
            format!("{peer} serves a pod CIDR, but has no canary at {canary}"),
            format!("on {peer}: moorline up"),
        )
        .why("nobody is there to answer, so nothing is known of its pods"),
        Beyond::NothingReturns(silence) => silence::words(silence, subject),
        Beyond::Untold => Words::new(
            "no-answer",
            format!("nothing answers for {whom} ({canary}), and the firewall here is unknown"),
            "apt-get install nftables, then moorline status",
        ),
        Beyond::NotExamined => Words::new(
            "no-answer",
            format!("nothing answers for {whom} ({canary})"),
            format!("on {peer}: moorline status"),
        ),
    }
}
