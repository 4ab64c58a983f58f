//! What keeps full packets from crossing.

use super::{Subject, Words};
use crate::proof::cause::Size;
use crate::proof::evidence::{Between, Here};

pub(super) fn words(size: &Size, subject: Subject<'_>, here: &Here) -> Words {
    let Subject { canary, between, .. } = subject;
    let whom = subject.whom();
    let Here { mtu, .. } = here;
    let through = match between {
        Between::Pods => &here.bridge,
        Between::Nodes => &here.interface,
    };
    match size {
        Size::Own => Words::new(
            "mtu-here",
            format!("packets of the network's MTU, {mtu} bytes, do not fit through {through}"),
            "moorline up",
        ),
        Size::Narrow { from, mtu: narrow } => Words::new(
            "mtu-narrow",
            format!(
                "the way to {whom} carries {narrow} bytes, says {from}; the network's MTU \
                 is {mtu}"
            ),
            format!("make the MTU {mtu} at {from}, or the network's MTU {narrow} on every node"),
        )
        .why("connections stall wherever that message is filtered"),
        Size::Hole { largest } => hole(*largest, subject, *mtu),
        Size::Refused { from } => Words::new(
            "refused",
            format!("{from} refuses packets of {mtu} bytes to {whom} ({canary})"),
            format!("on {from}: accept packets to and from {whom} in the firewall"),
        ),
    }
}

fn hole(largest: Option<u32>, subject: Subject<'_>, mtu: u32) -> Words {
    let Subject { peer, canary, .. } = subject;
    let larger = match largest {
        Some(largest) => format!("packets larger than {largest} bytes"),
        None => format!("packets of {mtu} bytes"),
    };
    Words::new(
        "mtu-hole",
        format!("{larger} vanish on the way to {peer} ({canary}); the network's MTU is {mtu}"),
        format!(
            "let ICMP `fragmentation needed` and `packet too big` through on the way, or set the \
             MTU of the links below the network so that {mtu} bytes fit"
        ),
    )
    .why("connections open and then stall, and nobody says why")
}
