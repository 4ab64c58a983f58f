//! The unit in the service's guide, which a unit test holds to be the one that is written, as
//! systemd's own tools see it.

use std::io::Write;
use std::process::{Command, Output};

const GUIDE: &str = include_str!("../../docs/guides/service.md");

/// The exposure that the guide tells was measured by this version.
const VERSION: &str = "systemd 252 ";

/// `systemd-analyze` with these words, on the unit; none where this machine has no systemd.
fn analyze(words: &[&str]) -> Option<Output> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("moorline.service");
    let program = env!("CARGO_BIN_EXE_moorline");
    let (_, unit) = GUIDE.split_once("```ini\n").expect("a unit");
    let (unit, _) = unit.split_once("```").expect("its end");
    std::fs::write(&path, unit.replace("/usr/local/bin/moorline", program)).expect("a file");
    match Command::new("systemd-analyze").args(words).arg(&path).output() {
        Ok(output) => Some(output),
        Err(error) => {
            let strict = std::env::var_os("TESTENV_STRICT").is_some_and(|strict| strict == "1");
            assert!(!strict, "needs systemd-analyze: {error}");
            let _ = writeln!(std::io::stderr(), "skipped: needs systemd-analyze: {error}");
            None
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn systemd_finds_no_fault_in_the_unit() {
    let Some(output) = analyze(&["verify", "--man=no"]) else { return };
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn the_guide_tells_what_systemd_says_of_the_exposure() {
    let words = ["security", "--offline=true", "--no-pager", "--threshold=50"];
    let Some(output) = analyze(&words) else { return };
    let told = text(&output.stdout);
    assert!(output.status.success(), "more than 5.0: {told}{}", text(&output.stderr));
    let version = Command::new("systemd-analyze").arg("--version").output().expect("it is there");
    if text(&version.stdout).starts_with(VERSION) {
        let last = told.lines().last().unwrap_or_default().trim_start_matches("→ ");
        let last = last.trim_end_matches(|c: char| !c.is_ascii());
        assert!(GUIDE.contains(&format!("```\n{}\n```", last.trim_end())), "{last}");
    }
}
