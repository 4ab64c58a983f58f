//! What an attempt was about.

use std::fmt;

use provider_api::Repair;

/// What an attempt was about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Subject {
    /// One thing on this machine that is to have a value, by the name that people know.
    Setting(String),
    /// That the node is a member.
    Membership,
    /// Something of the provider's own.
    Nudge(Repair),
}

impl Subject {
    /// Whether something was other than desired: who asks for news has nothing to mend.
    pub(super) fn was_broken(&self) -> bool {
        *self != Subject::Nudge(Repair::Refresh)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Subject::Setting(name) => name,
            Subject::Membership => "the membership",
            Subject::Nudge(Repair::PeerRoutes) => "the routes to peers",
            Subject::Nudge(Repair::Firewall) => "the VPN's firewall rules",
            Subject::Nudge(Repair::Refresh) => "the news of the own routes",
            Subject::Nudge(Repair::Restart) => "the VPN's daemon",
        })
    }
}
