//! What becomes of a file that `install` wrote, once it goes. Pure.

use std::path::Path;

use provider_api::{Finding, Severity};

use super::files::fingerprint;
use super::record::Written;

/// What becomes of a file that `install` wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Undo {
    /// It is gone already.
    Nothing,
    /// It goes.
    Remove,
    /// It becomes again what it was before.
    Restore,
    /// It stays: somebody else wrote to it.
    Stay,
}

impl Undo {
    /// Of a file that holds this now.
    pub(super) fn of(written: &Written, there: Option<&str>) -> Self {
        match there {
            None => Undo::Nothing,
            Some(_) if written.shared => Undo::Stay,
            Some(there) if fingerprint(there) != written.fingerprint => Undo::Stay,
            Some(_) if written.before.is_some() => Undo::Restore,
            Some(_) => Undo::Remove,
        }
    }
}

/// A file that stays.
pub(super) fn stays(path: &Path, before: Option<&Path>) -> Finding {
    let path = path.display();
    let back = before.map(|before| format!("\nas it was before: mv {} {path}", before.display()));
    Finding::new(
        Severity::Info,
        "install-file-stays",
        format!("{path} stays: somebody changed it after `moorline install` wrote it"),
        "what others wrote is not Moorline's to remove",
    )
    .fix(format!("where it is not needed: rm {path}{}", back.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_as_we_left_it_goes() {
        let ours = Written { fingerprint: fingerprint("a"), before: None, shared: false };
        assert_eq!(Undo::of(&ours, None), Undo::Nothing);
        assert_eq!(Undo::of(&ours, Some("a")), Undo::Remove);
        assert_eq!(Undo::of(&ours, Some("b")), Undo::Stay);
        let over = Written { before: Some("/before".into()), ..ours.clone() };
        assert_eq!(Undo::of(&over, Some("a")), Undo::Restore);
        assert_eq!(Undo::of(&over, Some("b")), Undo::Stay);
        let shared = Written { shared: true, ..ours };
        assert_eq!(Undo::of(&shared, Some("a")), Undo::Stay);
    }
}
