//! `docs/reference/tailscale-preferences.md`, held to the code.

use crate::extra_args::{FLAGS, Flag};
use crate::prefs::OWNED;

const PAGE: &str = include_str!("../../../docs/reference/tailscale-preferences.md");

/// The cells of the one row that begins with this.
fn row(first: &str) -> Vec<&'static str> {
    let mut rows = PAGE.lines().filter(|line| line.starts_with(&format!("| `{first}` |")));
    let row = rows.next().unwrap_or_else(|| panic!("no row for {first}"));
    assert_eq!(rows.next(), None, "one row for {first}");
    row.trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn each_preference_that_is_owned_has_its_row() {
    for owned in &OWNED {
        let place = match format!("{:?}", owned.when).as_str() {
            "Routed" => "routed",
            "EnrolledByUs" => "enrolled by Moorline",
            other => panic!("the page has no words for {other}"),
        };
        let expected = [&format!("`{}`", owned.value), place, owned.why];
        assert_eq!(row(owned.name)[2..], expected, "{}", owned.name);
    }
}

#[test]
fn each_flag_that_is_taken_has_its_row() {
    let known: Vec<&Flag> = FLAGS.iter().filter(|flag| flag.is_known()).collect();
    for flag in &known {
        assert_eq!(row(&format!("--{}", flag.name))[2], flag.help, "--{}", flag.name);
    }
    let rows = PAGE.lines().filter(|line| line.starts_with("| `--")).count();
    assert_eq!(rows, known.len(), "the page lists flags that are not taken");
}
