//! What is known where requests leave, and nothing comes back.

use super::{Subject, Words};
use crate::proof::cause::Silence;
use crate::proof::evidence::Between;

pub(super) fn words(silence: &Silence, subject: Subject<'_>) -> Words {
    let Subject { peer, canary, .. } = subject;
    let whom = subject.whom();
    match silence {
        Silence::NoWayBack { pod_cidr } => Words::new(
            "no-way-back",
            format!(
                "{peer} answers this node, and not its pods: the network has no way back to \
                 {pod_cidr}"
            ),
            "moorline status   # names what keeps the pod CIDR from being served",
        ),
        Silence::OwnPods => Words::new(
            "pods-refused",
            format!(
                "{whom} ({canary}) answer this node, and not its pods: the policy lets nodes \
                 through, and no pods"
            ),
            "moorline policy print   # has the rules that let pods through",
        ),
        Silence::PeersPods => Words::new(
            "pods-refused",
            format!(
                "{peer} itself answers, and nothing reaches its pods ({canary}): the policy lets \
                 nobody through to them"
            ),
            format!(
                "moorline policy print   # has the rules that let pods through; if they are \
                 there, on {peer}: moorline status"
            ),
        ),
        Silence::OneDirection => one_direction(
            subject,
            format!("packets of {peer} arrive here, and none of ours arrives at {whom} ({canary})"),
        ),
        Silence::Complete => Words::new(
            "peer-silent",
            format!(
                "nothing comes back from {peer}, neither from its pods ({canary}) nor from itself"
            ),
            format!("on {peer}: is the machine up, and its VPN? moorline status tells"),
        ),
        Silence::Unknown => one_direction(
            subject,
            format!("requests to {whom} ({canary}) leave this node, and nothing comes back"),
        ),
    }
}

fn one_direction(subject: Subject<'_>, what: String) -> Words {
    let whom = match subject.between {
        Between::Pods => "pods",
        Between::Nodes => "nodes",
    };
    let fix = format!(
        "let the policy allow both directions between the {whom} (moorline policy print); on {}: \
         moorline status",
        subject.peer
    );
    Words::new("one-direction", what, fix)
}
