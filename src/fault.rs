//! Points at which a test has the program end at once, as a kill or a power cut ends it.

/// The variable that names the point to end at. A release knows nothing of it.
pub const VARIABLE: &str = "MOORLINE_CRASH_AT";

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal,)*) => {
        /// Where it can end.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Point { $($(#[$doc])* $point,)* }

        impl Point {
            /// Every one of them.
            pub const ALL: &[Point] = &[$(Point::$point,)*];

            /// What the variable calls it.
            pub const fn name(self) -> &'static str {
                match self { $(Point::$point => $name,)* }
            }
        }
    };
}

points! {
    /// The state is about to be written.
    StateUnwritten = "state-unwritten",
    /// It is written, and not in its place yet.
    StateWritten = "state-written",
    /// It is in its place.
    StateRenamed = "state-renamed",
    /// The provider wants something in the ledger.
    LedgerUnrecorded = "ledger-unrecorded",
    /// It is there.
    LedgerRecorded = "ledger-recorded",
    /// The node is a member, and nothing remembers it.
    Joined = "joined",
    /// Nothing forbids what is wanted.
    Accepted = "accepted",
    /// Forwarding is about to be turned on.
    BeforeForwarding = "before-forwarding",
    /// It is on.
    Forwarding = "forwarding",
    /// What earlier pods needed is gone.
    Swept = "swept",
    /// What is about to be lent to a bridge is remembered.
    Lent = "lent",
    /// The bridge and the canary are there.
    Bridged = "bridged",
    /// So are the rules of routing and of the firewall.
    Admitted = "admitted",
    /// The routes are about to be advertised.
    Unadvertised = "unadvertised",
    /// They are.
    Advertised = "advertised",
    /// The service is about to act.
    BeforeAct = "before-act",
    /// It did.
    Acted = "acted",
    /// It looked at what came of it.
    LookedAgain = "looked-again",
    /// It is about to tell.
    Unpublished = "unpublished",
}

/// Ends the program here, where the environment says so.
pub fn point(point: Point) {
    if cfg!(debug_assertions) && std::env::var_os(VARIABLE).is_some_and(|it| it == point.name()) {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_point_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = Point::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), Point::ALL.len());
    }

    #[test]
    fn whoever_names_no_point_goes_on() {
        Point::ALL.iter().for_each(|it| point(*it));
    }
}
