//! What hosts and pods send each other: small transfers, long ones, pings.

mod echo;
mod fetch;
mod ping;
mod serve;
mod transfer;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

pub use fetch::Fetch;
pub use ping::Pings;
pub use transfer::Transfer;

use crate::lab::{Host, Inner, Namespace, Pod};

/// The port that everybody here serves on.
const PORT: u16 = 8099;

/// Whoever can send and receive: hosts and pods.
pub trait Traffic {
    #[doc(hidden)]
    fn place(&self) -> Place<'_>;

    /// Answers all of the below from now on, on all its addresses.
    fn serve(&self) {
        serve::serve(&self.place());
        echo::serve(&self.place());
    }

    /// What each of these servers sees of one and the same UDP socket here; none where no
    /// answer comes back.
    fn seen_by(&self, servers: &[IpAddr]) -> Vec<Option<SocketAddr>> {
        echo::seen_by(&self.place(), servers)
    }

    /// Fetches 64 KiB over TCP from whoever serves at this address.
    fn fetch(&self, from: IpAddr) -> Fetch {
        fetch::fetch(&self.place(), from)
    }

    /// Receives from whoever serves at this address, until told to stop.
    fn transfer(&self, from: IpAddr) -> Transfer {
        Transfer::start(&self.place(), from, b"t")
    }

    /// The same, of 65 Mbit/s where the way carries them.
    fn brisk_transfer(&self, from: IpAddr) -> Transfer {
        Transfer::start(&self.place(), from, b"b")
    }

    /// Whether a ping is answered: one of three, a second each.
    fn ping(&self, to: IpAddr) -> bool {
        ping::answered(&self.place(), to, None)
    }

    /// Whether a ping of so many bytes, IP header included, is answered unfragmented.
    fn ping_sized(&self, to: IpAddr, bytes: u16) -> bool {
        ping::answered(&self.place(), to, Some(bytes))
    }

    /// Pings 20 times a second until told to stop.
    fn pinging(&self, to: IpAddr) -> Pings {
        Pings::start(&self.place(), to)
    }
}

/// Where traffic starts and ends.
#[doc(hidden)]
pub struct Place<'a> {
    pub(crate) lab: &'a Arc<Inner>,
    pub(crate) namespace: &'a Arc<Namespace>,
}

impl Traffic for Host {
    fn place(&self) -> Place<'_> {
        Place { lab: &self.lab, namespace: &self.namespace }
    }
}

impl Traffic for Pod {
    fn place(&self) -> Place<'_> {
        Place { lab: &self.lab, namespace: &self.namespace }
    }
}
