//! One fault.

use super::Site;

/// One fault, and what is to come of it.
#[derive(Clone, Copy)]
pub struct Row {
    /// What happens.
    pub name: &'static str,
    /// What is to come of it.
    pub expected: Outcome,
    /// Whether a connection between pods lives through it.
    pub survives: bool,
    /// Whether the VPN's daemon starts or joins anew on the way, which takes its own time.
    pub restarts: bool,
    /// Whether it goes on from the row before, with the same service.
    pub goes_on: bool,
    pub(super) fault: Deed,
    pub(super) is_whole: Probe,
    pub(super) after: Deed,
    /// How it shows on a node without Moorline; none where only Moorline has what is broken.
    pub(super) elsewhere: Option<Probe>,
}

/// What is to come of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The service makes it whole.
    Repaired,
    /// The service names it by a finding of this code, and leaves it to people.
    Finding(&'static str),
}

/// Something that somebody does.
#[derive(Clone, Copy)]
pub(super) enum Deed {
    Nothing,
    /// A line of shell on the node.
    Line(&'static str),
    By(fn(&Site)),
}

/// Whether something is so.
#[derive(Clone, Copy)]
pub(super) enum Probe {
    /// A line of shell on the node succeeds.
    Line(&'static str),
    By(fn(&Site) -> bool),
}

impl Row {
    /// Whether a node without Moorline has what is broken.
    pub const fn is_elsewhere(&self) -> bool {
        self.elsewhere.is_some()
    }

    /// A line of shell breaks it, and it is whole where the other line succeeds.
    pub(super) const fn repaired(
        name: &'static str,
        fault: &'static str,
        whole: &'static str,
    ) -> Row {
        Row::new(name, Outcome::Repaired, Deed::Line(fault), Probe::Line(whole))
    }

    pub(super) const fn new(
        name: &'static str,
        expected: Outcome,
        fault: Deed,
        is_whole: Probe,
    ) -> Row {
        Row {
            name,
            expected,
            survives: true,
            restarts: false,
            goes_on: false,
            fault,
            is_whole,
            after: Deed::Nothing,
            elsewhere: Some(is_whole),
        }
    }

    /// Connections between pods do not live through it.
    pub(super) const fn cuts(mut self) -> Row {
        self.survives = false;
        self
    }

    /// The VPN's daemon starts anew on the way.
    pub(super) const fn restarts(mut self) -> Row {
        self.restarts = true;
        self
    }

    /// Only Moorline has what is broken.
    pub(super) const fn ours(mut self) -> Row {
        self.elsewhere = None;
        self
    }

    /// Without Moorline it is whole where this line succeeds.
    pub(super) const fn elsewhere(mut self, whole: &'static str) -> Row {
        self.elsewhere = Some(Probe::Line(whole));
        self
    }

    /// The same service meets it that met the row before.
    pub(super) const fn again(mut self) -> Row {
        self.goes_on = true;
        self
    }

    /// What people do once they know.
    pub(super) const fn then(mut self, after: Deed) -> Row {
        self.after = after;
        self
    }
}
