//! Every finding and error, as `docs/reference/findings.md` tells of it.
//!
//! The page is written from these tables: change a row here, and then
//! `MOORLINE_BLESS=1 cargo test --test reference`.

mod control;
mod control_api;
mod control_server;
mod joining;
mod machine;
mod plugins;
mod policy;
mod preflight;
mod proof;
mod routes;
mod secrets;
mod service;
mod settings;
mod tailscaled;
mod vpn_auth;

use std::collections::BTreeSet;
use std::path::Path;

/// What belongs together.
struct Section {
    /// Its heading.
    title: &'static str,
    /// What is said before its table, if anything.
    intro: &'static str,
    /// Its findings and errors.
    rows: &'static [Row],
}

/// One finding or error: its code; its severity, or the exit code of a command that it ends;
/// what is so, and why it matters; what helps.
struct Row(&'static str, &'static str, &'static str, &'static str);

/// All of them.
const SECTIONS: [Section; 15] = [
    routes::SECTION,
    proof::SECTION,
    preflight::SECTION,
    joining::SECTION,
    control_server::SECTION,
    control_api::SECTION,
    tailscaled::SECTION,
    vpn_auth::SECTION,
    settings::SECTION,
    secrets::SECTION,
    machine::SECTION,
    plugins::SECTION,
    service::SECTION,
    control::SECTION,
    policy::SECTION,
];

const HEAD: &str = "\
# Findings and errors

Everything that Moorline can tell you is wrong, by its code. The code is stable: it stands in brackets
before the message, and in `--json`. The message names the subject, such as the CIDR or the file, and
the command or policy stanza for your very case.

An **error** ends the command, with the [exit code](exit-codes.md) in the second column. A **finding**
does not end it: *info* is worth knowing, a *warning* works now and something will break it, an *error*
keeps traffic from flowing, or soon will.
";

/// The page, as Markdown.
fn page() -> String {
    SECTIONS.iter().fold(HEAD.to_owned(), |page, section| page + &section.text())
}

impl Section {
    fn text(&self) -> String {
        let intro = match self.intro {
            "" => String::new(),
            intro => format!("{intro}\n\n"),
        };
        let rows: String = self.rows.iter().map(Row::text).collect();
        format!(
            "\n## {}\n\n{intro}\
             | code | | what is so, and why it matters | what helps |\n|---|---|---|---|\n{rows}",
            self.title
        )
    }
}

impl Row {
    fn text(&self) -> String {
        let Row(word, rank, what, helps) = self;
        format!("| `{word}` | {rank} | {what} | {helps} |\n")
    }
}

#[test]
fn the_page_is_written_from_the_tables() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/findings.md");
    if std::env::var_os("MOORLINE_BLESS").is_some() {
        std::fs::write(&path, page()).expect("the page");
    }
    let (page, there) = (page(), std::fs::read_to_string(&path).expect("the page"));
    let lines = page.lines().zip(there.lines());
    let differs = lines.enumerate().find(|(_, (written, read))| written != read);
    assert!(
        page == there,
        "{differs:?}: the tables in tests/reference/ say the one, and the page the other. \
         Change the table, and write the page: MOORLINE_BLESS=1 cargo test --test reference",
    );
}

#[test]
fn each_code_has_one_row_with_everything_in_it() {
    let mut codes = BTreeSet::new();
    for Row(word, rank, what, helps) in SECTIONS.iter().flat_map(|section| section.rows) {
        assert!(codes.insert(word), "{word} has two rows");
        for cell in [rank, what, helps] {
            assert!(!cell.is_empty() && !cell.contains(['|', '\n']), "{word}: {cell}");
        }
        let known = ["info", "warning", "error", "exit "];
        assert!(known.iter().any(|known| rank.starts_with(known)), "{word}: {rank}");
    }
}
