//! What keeps full packets from crossing.

use super::{Subject, Words};
use crate::proof::cause::Size;
use crate::proof::evidence::Here;

pub(super) fn words(size: &Size, subject: Subject<'_>, here: &Here) -> Words {
    let Subject { peer, canary, .. } = subject;
    let Here { mtu, bridge, .. } = here;
    match size {
        Size::Own => Words::new(
            "mtu-here",
            format!("packets of the network's MTU, {mtu} bytes, do not fit through {bridge}"),
            "moorline up",
        ),
        Size::Narrow { from, mtu: narrow } => Words::new(
            "mtu-narrow",
            format!(
                "the way to {peer}'s pods carries {narrow} bytes, says {from}; the network's MTU \
                 is {mtu}"
            ),
            format!("make the MTU {mtu} at {from}, or the network's MTU {narrow} on every node"),
        )
        .why("connections stall wherever that message is filtered"),
        Size::Hole { largest } => hole(*largest, subject, *mtu),
        Size::Refused { from } => Words::new(
            "refused",
            format!("{from} refuses packets of {mtu} bytes to {peer}'s pods ({canary})"),
            format!("on {from}: accept forwarding to and from {peer}'s pods in the firewall"),
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
