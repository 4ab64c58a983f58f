//! What a file is to hold, and whether it may be written. Pure.

use std::path::{Path, PathBuf};

use provider_api::{Error, ErrorKind, Result, Secret};

use super::files::fingerprint;
use super::record::Written;

/// What a file is to hold.
#[derive(Debug)]
pub(super) struct Wish {
    /// Where it is.
    pub path: PathBuf,
    /// Who may read it, where it is made anew.
    pub mode: u32,
    /// What it is to hold.
    pub text: Secret,
    /// What it is for, for people.
    pub why: String,
    /// Whose it is.
    pub owner: Owner,
}

/// Whose a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// Ours: nothing of anybody else may be in its place.
    Ours,
    /// Ours, also where only this first line says so.
    Marked(&'static str),
    /// Everybody's: what others wrote to it is in the wish already.
    Everybody,
}

/// What to do about a wish.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is as it is to be.
    Keep,
    /// Write it, after it is recorded so.
    Write(Written),
}

impl Wish {
    /// Whether what it is to hold must not be shown.
    pub(super) fn is_secret(&self) -> bool {
        self.mode & 0o077 == 0 && self.owner == Owner::Ours
    }

    /// What to do, where the file holds this, and this is recorded of it.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] where something of somebody else is in its place.
    pub(super) fn step(&self, there: Option<&str>, written: Option<&Written>) -> Result<Step> {
        let wanted = self.text.expose();
        if there == Some(wanted) {
            return Ok(Step::Keep);
        }
        let untouched =
            |there: &str| written.is_some_and(|written| written.fingerprint == fingerprint(there));
        let fresh = Written { fingerprint: fingerprint(wanted), before: None, shared: false };
        let again = || match written {
            Some(written) => Written { fingerprint: fresh.fingerprint.clone(), ..written.clone() },
            None => fresh.clone(),
        };
        let write = match (there, self.owner) {
            (None, _) => again(),
            (Some(there), _) if untouched(there) => again(),
            (Some(there), Owner::Marked(mark)) if written.is_none() && there.starts_with(mark) => {
                again()
            }
            (Some(_), Owner::Ours | Owner::Marked(_)) => return Err(self.in_the_way(written)),
            (Some(_), Owner::Everybody) if written.is_some() => Written { shared: true, ..again() },
            (Some(_), Owner::Everybody) => Written { before: Some(aside(&self.path)), ..fresh },
        };
        Ok(Step::Write(write))
    }

    fn in_the_way(&self, written: Option<&Written>) -> Error {
        let path = self.path.display();
        let who = match written {
            Some(_) => "was changed since `moorline install` wrote it",
            None => "is there already, and `moorline install` did not write it",
        };
        let fix = match self.owner {
            Owner::Marked(_) => format!(
                "put what must stay into a drop-in (systemctl edit moorline), then: rm {path}"
            ),
            Owner::Ours | Owner::Everybody => {
                format!("where it holds what is wanted, point at it: file:{path}\nelse: rm {path}")
            }
        };
        Error::new(ErrorKind::Conflict, "install-in-the-way", format!("{path} {who}")).fix(fix)
    }
}

/// Where what was in a file before is kept.
fn aside(path: &Path) -> PathBuf {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".before-install");
    aside.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(owner: Owner) -> Wish {
        let (path, text) = (PathBuf::from("/etc/x"), Secret::new("# Ours.\nnew"));
        Wish { path, mode: 0o600, text, why: String::new(), owner }
    }

    fn written(text: &str) -> Written {
        Written { fingerprint: fingerprint(text), before: None, shared: false }
    }

    const OWNERS: [Owner; 3] = [Owner::Ours, Owner::Marked("# Ours."), Owner::Everybody];

    #[test]
    fn what_is_as_it_is_to_be_is_kept_and_not_recorded() {
        for owner in OWNERS {
            assert_eq!(wish(owner).step(Some("# Ours.\nnew"), None), Ok(Step::Keep));
        }
    }

    #[test]
    fn what_is_not_there_or_untouched_is_written() {
        for owner in OWNERS {
            let fresh = Step::Write(written("# Ours.\nnew"));
            assert_eq!(wish(owner).step(None, None), Ok(fresh));
            let before = Some("/etc/x.before".into());
            let old = Written { before: before.clone(), ..written("old") };
            let again = Step::Write(Written { before, ..written("# Ours.\nnew") });
            assert_eq!(wish(owner).step(Some("old"), Some(&old)), Ok(again));
        }
    }

    #[test]
    fn what_somebody_else_wrote_is_never_lost() {
        for (owner, fix) in [(Owner::Ours, "file:/etc/x"), (Owner::Marked("# Ours."), "drop-in")] {
            for record in [None, Some(written("old"))] {
                let error = wish(owner).step(Some("theirs"), record.as_ref()).expect_err("theirs");
                assert_eq!((error.kind, &*error.code), (ErrorKind::Conflict, "install-in-the-way"));
                assert!(error.fix.expect("a fix").contains(fix));
            }
        }
        let aside = Some("/etc/x.before-install".into());
        let step = Step::Write(Written { before: aside, ..written("# Ours.\nnew") });
        assert_eq!(wish(Owner::Everybody).step(Some("theirs"), None), Ok(step));
        let step = Step::Write(Written { shared: true, ..written("# Ours.\nnew") });
        let old = written("old");
        assert_eq!(wish(Owner::Everybody).step(Some("theirs"), Some(&old)), Ok(step));
    }

    #[test]
    fn a_unit_that_says_it_is_ours_is_ours_where_the_record_is_lost() {
        let step = wish(Owner::Marked("# Ours.")).step(Some("# Ours.\nold"), None);
        assert_eq!(step, Ok(Step::Write(written("# Ours.\nnew"))));
    }
}
