//! What several of these tests need.

use std::path::Path;

use testenv::Lab;

/// A lab that runs the binary under test; none where this machine cannot have one.
pub(crate) fn lab(name: &str) -> Option<Lab> {
    let lab = Lab::new(name)?;
    Some(lab.with_moorline(Path::new(env!("CARGO_BIN_EXE_moorline"))))
}
