//! Counting what a host tries: a daemon's own log leaves lines out when there are many.

use std::time::Duration;

use testenv::{Host, Tailscaled};

use crate::refusal::stays;

/// Two attempts of a daemon that goes on trying lie no further apart in its first seconds.
const LONG_ENOUGH: Duration = Duration::from_secs(3);

/// Counts the connections that a host opens, from now on.
pub(crate) struct Dials<'a> {
    host: &'a Host,
    tailscaled: &'a Tailscaled,
}

impl<'a> Dials<'a> {
    pub(crate) fn of(host: &'a Host, tailscaled: &'a Tailscaled) -> Dials<'a> {
        host.nft(
            "table inet dials {
                counter opened { }
                chain out {
                    type filter hook output priority -400;
                    oifname eth0 tcp flags & (syn | ack) == syn counter name opened
                }
            }",
        );
        Dials { host, tailscaled }
    }

    /// How many so far.
    pub(crate) fn count(&self) -> u64 {
        let listing = self.host.shell("nft list counter inet dials opened").succeeded().stdout;
        let count = listing.split_whitespace().skip_while(|word| *word != "packets").nth(1);
        count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{listing}"))
    }

    /// Watches that the daemon, with nobody logged in, tries no more.
    #[track_caller]
    pub(crate) fn have_ended(&self) {
        let before = self.count();
        stays("a daemon that tries no more", LONG_ENOUGH, || {
            let status = self.tailscaled.status();
            let calm = !status["Health"].to_string().contains("login error");
            let count = self.count();
            match status["BackendState"] == "NeedsLogin" && calm && count == before {
                true => Ok(()),
                false => Err((before, count, status["Health"].clone())),
            }
        });
    }
}
