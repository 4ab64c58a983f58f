//! That every finding and error which the code can raise is in the reference, and no other.

use std::collections::BTreeMap;

use crate::Violation;
use crate::tokens::{Token, find};
use crate::tree::Tree;

const REFERENCE: &str = "docs/reference/findings.md";
const SOURCES: &[&str] = &["src/", "linux/", "providers/"];

/// A function that takes a code.
#[derive(Debug, Clone)]
struct Raiser {
    /// The tokens that begin a call of it.
    call: Vec<String>,
    /// Where the code stands among its arguments.
    argument: usize,
}

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let raised = raised(tree);
    if raised.is_empty() {
        return Vec::new();
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
        .collect()
}

/// The codes in the sources, each with the first place that raises it.
fn raised(tree: &Tree) -> BTreeMap<String, (String, usize)> {
    let sources: Vec<(&str, Vec<Token>)> = tree
        .ending(".rs")
        .filter(|(file, _)| SOURCES.iter().any(|folder| file.starts_with(folder)))
        .map(|(file, _)| (file, tree.tokens(file).unwrap_or_default()))
        .collect();
    let everywhere: Vec<Raiser> =
        sources.iter().flat_map(|(_, all)| raisers(all, true)).chain(constructors()).collect();
    let mut codes = BTreeMap::new();
    for (file, all) in &sources {
        for raiser in raisers(all, false).iter().chain(&everywhere) {
            for (code, line) in codes_of(all, raiser) {
                codes.entry(code).or_insert(((*file).to_owned(), line));
            }
        }
    }
    codes
}

fn constructors() -> [Raiser; 2] {
    ["Finding", "Error"].map(|owner| {
        let call = [owner, ":", ":", "new", "("].map(str::to_owned).to_vec();
        Raiser { call, argument: 1 }
    })
}

/// The functions of a file that have a parameter `code`, public ones or the others.
fn raisers(all: &[Token], public: bool) -> Vec<Raiser> {
    let functions = all.iter().enumerate().filter(|(_, token)| token.text == "fn");
    let wanted = functions.filter(|(index, _)| is_public(&all[..*index]) == public);
    wanted.filter_map(|(index, _)| raiser(&all[index + 1..])).collect()
}

fn is_public(before: &[Token]) -> bool {
    let modifiers =
        before.iter().rev().take_while(|token| ![";", "}", "{"].contains(&token.text.as_str()));
    modifiers.into_iter().any(|token| token.text == "pub")
}

/// From a function's name on. `new` is left to [`constructors`]: too many are called so.
fn raiser(signature: &[Token]) -> Option<Raiser> {
    let name = &signature.first()?.text;
    let open = signature.iter().position(|token| token.text == "(")? + 1;
    let parameters = arguments(&signature[open..]);
    let parameters =
        parameters.iter().filter(|parameter| !parameter.iter().any(|t| t.text == "self"));
    let argument = parameters
        .into_iter()
        .position(|parameter| parameter.first().is_some_and(|token| token.text == "code"))?;
    (name != "new").then(|| Raiser { call: vec![name.clone(), "(".into()], argument })
}

/// The codes that calls of `raiser` are given, with their lines.
fn codes_of(all: &[Token], raiser: &Raiser) -> Vec<(String, usize)> {
    let row: Vec<&str> = raiser.call.iter().map(String::as_str).collect();
    let calls = find(all, &row).into_iter().map(|index| arguments(&all[index + row.len()..]));
    let codes = calls.filter_map(|arguments| arguments.get(raiser.argument).copied()).flatten();
    codes
        .filter(|token| !token.test)
        .filter_map(|token| Some((token.string()?.to_owned(), token.line)))
        .filter(|(code, _)| is_code(code))
        .collect()
}

/// Cuts at the commas, up to the parenthesis that closes the list which begins here.
fn arguments(all: &[Token]) -> Vec<&[Token]> {
    let (mut list, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (index, token) in all.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            "," if depth == 0 => {
                list.push(&all[start..index]);
                start = index + 1;
            }
            ")" | "]" | "}" if depth == 0 => {
                list.push(&all[start..index]);
                break;
            }
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
    }
    list
}

fn is_code(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    text.split('-').all(word)
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

    #[test]
    fn a_code_that_is_not_listed_is_found_where_it_is_raised() {
        for source in [
            "fn a() {\n Finding::new(severity(b, c), \"new-code\", d, e) }",
            "fn a() {\n Error::new(ErrorKind::Auth, \"new-code\", format!(\"b, {c}\")) }",
            "fn a() {\n Error::new(kind, if b { \"new-code\" } else { \"old-code\" }, c) }",
            "fn a(&self) {\n self.fault(1, \"new-code\", b) }\nfn fault(&self, at: u8, code: &str, b: B) {}",
        ] {
            let found = found(source, "| `old-code` | b |\n");
            assert!(found[0].starts_with("src/checks/a.rs:2: `new-code` is not in"), "{found:?}");
        }
    }

    #[test]
    fn a_public_helper_raises_everywhere() {
        let tree = Tree::made_up(&[
            (
                "providers/api/src/error.rs",
                "impl Error { pub fn settings(code: &str, what: &str) {} }",
            ),
            ("src/settings/a.rs", "fn a() { Error::settings(\"bad-value\", b) }"),
        ]);
        assert_eq!(raised(&tree).keys().collect::<Vec<_>>(), ["bad-value"]);
    }

    #[test]
    fn a_listed_code_that_nobody_raises_is_found() {
        let source = "fn a() { Error::new(kind, \"daemon-absent\", b) }";
        assert_eq!(found(source, "text\n| `daemon-absent` | b |\n"), [""; 0]);
        let found = found(source, "| `daemon-absent` | b |\n| `stale` | b |\n");
        assert!(found.len() == 1 && found[0].contains(":2: `stale`"), "{found:?}");
    }

    #[test]
    fn codes_of_tests_need_no_reference() {
        let source = "#[cfg(test)] mod tests { fn a() { Error::new(kind, \"made-up\", b) } }";
        assert_eq!(found(source, ""), [""; 0]);
    }
}
