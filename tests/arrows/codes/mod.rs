//! That every finding and error which the code can raise is in the reference, and no other.

mod arguments;
mod raisers;
mod written;

use std::collections::BTreeMap;

use raisers::Raiser;

use crate::Violation;
use crate::tokens::Token;
use crate::tree::Tree;

const REFERENCE: &str = "docs/reference/findings.md";
const SOURCES: &[&str] = &["src/", "linux/", "providers/"];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let (raised, hidden) = raised(tree);
    if raised.is_empty() {
        return hidden;
    }
    let listed = listed(tree);
    let unlisted = raised.iter().filter(|(code, _)| !listed.contains_key(*code));
    let unraised = listed.iter().filter(|(code, _)| !raised.contains_key(*code));
    unlisted
        .map(|(code, (file, line))| Violation {
            file: file.clone(),
            line: *line,
            what: format!("`{code}` is not in {REFERENCE}"),
            why: "an operator looks it up there: say what is so, why it matters and what helps",
        })
        .chain(unraised.map(|(code, line)| Violation {
            file: REFERENCE.into(),
            line: *line,
            what: format!("`{code}` is raised nowhere"),
            why: "the reference lists what Moorline can say, and no more",
        }))
        .chain(hidden)
        .collect()
}

/// The codes in the sources, each with the first place that raises it; and the calls that hide
/// theirs.
fn raised(tree: &Tree) -> (BTreeMap<String, (String, usize)>, Vec<Violation>) {
    let sources: Vec<(&str, Vec<Token>)> = tree
        .ending(".rs")
        .filter(|(file, _)| SOURCES.iter().any(|folder| file.starts_with(folder)))
        .map(|(file, _)| (file, tree.tokens(file).unwrap_or_default()))
        .collect();
    let raisers: Vec<(&str, Vec<Raiser>, Vec<Raiser>)> = sources
        .iter()
        .map(|(file, all)| (*file, raisers::public(all), raisers::private(all)))
        .collect();
    let (mut codes, mut hidden) = (BTreeMap::new(), Vec::new());
    for (file, all) in &sources {
        let neighbours = raisers.iter().filter(|(other, ..)| package(other) == package(file));
        let public = neighbours.flat_map(|(_, public, _)| public);
        let above = raisers.iter().filter(|(other, ..)| is_above(other, file));
        let private = above.flat_map(|(.., private)| private);
        let known = raisers::of_the_contract();
        let given = public.chain(private).chain(&known).flat_map(|one| written::given(all, one));
        for (code, line) in given.chain(written::bound(all)).chain(written::fields(all)) {
            codes.entry(code).or_insert(((*file).to_owned(), line));
        }
        hidden.extend(hidden_calls(file, all));
    }
    (codes, hidden)
}

/// Whether what is private in the module `other` can be seen in the module `file`.
fn is_above(other: &str, file: &str) -> bool {
    let module = other.trim_end_matches(".rs").trim_end_matches("/mod");
    file.strip_prefix(module).is_some_and(|rest| rest.starts_with(['/', '.']))
}

/// The folder of the crate that a source file belongs to.
fn package(file: &str) -> &str {
    file.split("src/").next().unwrap_or_default()
}

/// Calls whose code cannot be told here: no text, no constant of the file, and not handed on.
fn hidden_calls(file: &str, all: &[Token]) -> Vec<Violation> {
    let raisers = raisers::of_the_contract();
    let hidden = raisers.iter().flat_map(|raiser| written::hidden(all, raiser));
    hidden
        .map(|token| Violation {
            file: file.to_owned(),
            line: token.line,
            what: format!("the code `{}` cannot be told from here", token.text),
            why: "a code is a text, or a constant of its file, so that it can be looked up",
        })
        .collect()
}

/// The codes that begin a row of a table in the reference, with its line.
fn listed(tree: &Tree) -> BTreeMap<String, usize> {
    let text = tree.files.get(REFERENCE).map_or("", String::as_str);
    let rows = text.lines().enumerate();
    rows.filter_map(|(index, line)| {
        let (code, _) = line.strip_prefix("| `")?.split_once("` |")?;
        Some((code.to_owned(), index + 1))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str, reference: &str) -> Vec<String> {
        let tree = Tree::made_up(&[("src/checks/a.rs", source), (REFERENCE, reference)]);
        check(&tree).iter().map(Violation::to_string).collect()
    }

    fn codes(source: &str) -> Vec<String> {
        raised(&Tree::made_up(&[("src/checks/a.rs", source)])).0.into_keys().collect()
    }

    #[test]
    fn a_code_is_found_however_it_is_raised() {
        for source in [
            "fn a() { Finding::new(severity(b, c), \"my-code\", d, e) }",
            "fn a() { Error::new(ErrorKind::Auth, \"my-code\", format!(\"b, {c}\")) }",
            "fn a() { provider_api::Error::unavailable(\"my-code\", b) }",
            "const A: &str = \"my-code\"; fn a() { Error::new(kind, A, b) }",
            "fn a() { Error::new(kind, if b { \"my-code\" } else { c }, d) }",
            "fn a() { let (b, code) = match c { D => (e(f), \"my-code\") }; }",
            "fn a() { let code = if b { \"my-code\" } else { c }; }",
            "fn a() -> Words { Words { code: \"my-code\", what: b } }",
            "fn a(&self) { self.fault(1, \"my-code\", b) } fn fault(&self, at: u8, code: &str) {}",
            "impl Words { fn new(code: &str) {} } fn a() { Words::new(\"my-code\") }",
            "fn a() { let error = |code, what: &str| b; error(\"my-code\", c) }",
        ] {
            assert_eq!(codes(source), ["my-code"], "{source}");
        }
    }

    #[test]
    fn a_public_helper_raises_in_all_of_its_crate() {
        let tree = Tree::made_up(&[
            ("src/settings/origin.rs", "impl Origin { pub fn error(&self, code: &str) {} }"),
            ("src/settings/a.rs", "fn a() { origin.error(\"bad-value\") }"),
            ("providers/b/src/a.rs", "fn a() { transport.error(\"no-code\") }"),
        ]);
        assert_eq!(raised(&tree).0.keys().collect::<Vec<_>>(), ["bad-value"]);
    }

    #[test]
    fn a_private_helper_raises_in_its_module_and_below() {
        let tree = Tree::made_up(&[
            ("src/proof/told.rs", "fn told(code: &str) {}"),
            ("src/proof/told/size.rs", "fn a() { super::told(\"below\") }"),
            ("src/proof/other.rs", "fn a() { told(\"elsewhere\") }"),
        ]);
        assert_eq!(raised(&tree).0.keys().collect::<Vec<_>>(), ["below"]);
    }

    #[test]
    fn what_is_not_listed_is_found_where_it_is_raised() {
        let found = found("fn a() {\n Error::new(kind, \"new-code\", b) }", "");
        assert!(found.len() == 1, "{found:?}");
        assert!(found[0].starts_with("src/checks/a.rs:2: `new-code` is not in"), "{found:?}");
    }

    #[test]
    fn what_is_listed_and_raised_nowhere_is_found() {
        let source = "fn a() { Error::new(kind, \"daemon-absent\", b) }";
        assert_eq!(found(source, "text\n| `daemon-absent` | b |\n"), [""; 0]);
        let found = found(source, "| `daemon-absent` | b |\n| `stale` | b |\n");
        assert!(found.len() == 1 && found[0].contains(":2: `stale`"), "{found:?}");
    }

    #[test]
    fn a_code_that_cannot_be_told_is_found() {
        let found = found("fn a() { Error::new(kind, format!(\"{b}\"), c) }", "");
        assert!(found.len() == 1 && found[0].contains("cannot be told from here"), "{found:?}");
        assert_eq!(self::found("fn a() { Error::new(kind, row.code, c) }", ""), [""; 0]);
    }

    #[test]
    fn codes_of_tests_need_no_reference() {
        let source = "#[cfg(test)] mod tests { fn a() { Error::new(kind, \"made-up\", b) } }";
        assert_eq!(codes(source), [""; 0]);
    }
}
