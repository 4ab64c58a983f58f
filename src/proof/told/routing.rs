//! What this machine's routing does to pods' packets.

use super::{Subject, Words};
use crate::proof::cause::Routing;
use crate::proof::evidence::{Here, Setting};

pub(super) fn words(routing: &Routing, subject: Subject<'_>, here: &Here) -> Words {
    let Subject { peer, canary, .. } = subject;
    let whom = subject.whom();
    let Here { bridge, interface, .. } = here;
    match routing {
        Routing::ForwardingOff(setting) => forwarding_off(setting),
        Routing::CutOff { why } => cut_off(why.as_deref(), subject, bridge),
        Routing::NoRoute => Words::new(
            "route-missing",
            format!("this node has no route by {interface} to {whom} ({canary})"),
            "moorline up",
        ),
        Routing::WrongWayOut { interface: other } => Words::new(
            "route-elsewhere",
            format!("packets for {whom} leave by {other}, and not by {interface}"),
            format!("ip route get {canary}   # find the route or rule that comes first"),
        ),
        Routing::WrongWayBack { interface: other } => Words::new(
            "own-pods-elsewhere",
            format!("packets for this node's own pods leave by {other}, and not by {bridge}"),
            "moorline up   # puts the rule back that keeps own pods here; see also: ip rule list",
        ),
        Routing::ReversePath { interface } => Words::new(
            "rp-filter-here",
            format!("the strict reverse-path filter of {interface} drops {peer}'s answers"),
            format!(
                "sysctl -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.{interface}.rp_filter=2"
            ),
        ),
    }
}

fn forwarding_off(setting: &Setting) -> Words {
    let Setting { family, key } = setting;
    let what = format!("this kernel does not forward {family}: {key} is 0");
    Words::new("forwarding-off-here", what, format!("sysctl -w {key}=1"))
        .why("no packet gets from this node's pods to the network, or back")
}

fn cut_off(why: Option<&str>, subject: Subject<'_>, bridge: &str) -> Words {
    let what = match why {
        Some(why) => format!("this node's canary cannot send to {}: {why}", subject.canary),
        None => format!("echoes get lost between this node's canary and {bridge}"),
    };
    Words::new("canary-cut-off", what, "moorline up")
        .why("without a working canary nothing can be proven")
}
