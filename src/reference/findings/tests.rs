use std::collections::BTreeSet;
use std::path::Path;

use super::*;

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
        "{differs:?}: the tables in src/reference/findings/ say the one, and the page the other. \
         Change the table, and write the page: MOORLINE_BLESS=1 cargo test --lib reference",
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
