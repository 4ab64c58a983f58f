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
    let (mut codes, mut hidden) = (BTreeMap::new(), Vec::new());
    for (file, all) in &sources {
        let neighbours = sources.iter().filter(|(other, _)| package(other) == package(file));
        let public = neighbours.flat_map(|(_, all)| raisers(all, true));
        let known = constructors();
        hidden.extend(known.iter().flat_map(|raiser| unreadable(file, all, raiser)));
        for raiser in raisers(all, false).into_iter().chain(public).chain(known) {
            for (code, line) in codes_of(all, &raiser) {
                codes.entry(code).or_insert(((*file).to_owned(), line));
            }
        }
    }
    (codes, hidden)
}

/// The folder of the crate that a source file belongs to.
fn package(file: &str) -> &str {
    file.split("src/").next().unwrap_or_default()
}

/// The contract's own, which every crate calls.
fn constructors() -> [Raiser; 4] {
    let known = [
        ("Finding", "new", 1),
        ("Error", "new", 1),
        ("Error", "settings", 0),
        ("Error", "unavailable", 0),
    ];
    known.map(|(owner, name, argument)| {
        let call = [owner, ":", ":", name, "("].map(str::to_owned).to_vec();
        Raiser { call, argument }
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
    let codes = codes_given(all, raiser).into_iter().flatten().filter(|token| !token.test);
    codes
        .filter_map(|token| Some((written(all, token)?, token.line)))
        .filter(|(code, _)| is_code(code))
        .collect()
}

/// The tokens of the code in each call of `raiser`.
fn codes_given<'a>(all: &'a [Token], raiser: &Raiser) -> Vec<&'a [Token]> {
    let row: Vec<&str> = raiser.call.iter().map(String::as_str).collect();
    let calls = find(all, &row).into_iter();
    let calls = calls.filter(|index| *index == 0 || all[index - 1].text != "fn");
    let calls = calls.map(|index| arguments(&all[index + row.len()..]));
    calls.filter_map(|arguments| arguments.get(raiser.argument).copied()).collect()
}

/// The text of a string, or of the constant of this file that stands for one.
fn written(all: &[Token], token: &Token) -> Option<String> {
    if let Some(text) = token.string() {
        return Some(text.to_owned());
    }
    let constant = *find(all, &["const", &token.text, ":"]).first()?;
    let mut value = all[constant..].iter().skip_while(|token| token.text != "=");
    value.nth(1)?.string().map(str::to_owned)
}

/// Calls whose code cannot be told here: no text, no constant of the file, and not handed on.
fn unreadable(file: &str, all: &[Token], raiser: &Raiser) -> Vec<Violation> {
    let readable = |code: &&[Token]| {
        code.iter().any(|token| {
            token.text == "code" || written(all, token).is_some_and(|text| is_code(&text))
        })
    };
    let given = codes_given(all, raiser).into_iter().filter(|code| !readable(code));
    let places = given.filter_map(|code| code.first()).filter(|token| !token.test);
    places
        .map(|token| Violation {
            file: file.to_owned(),
            line: token.line,
            what: format!("the code `{}` cannot be told from here", token.text),
            why: "a code is a text, or a constant of its file, so that it can be looked up",
        })
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
            "const A: &str = \"new-code\";\nfn a() { Error::new(kind, A, b) }",
            "fn a() {\n Error::new(kind, if b { \"new-code\" } else { \"old-code\" }, c) }",
            "fn a(&self) {\n self.fault(1, \"new-code\", b) }\nfn fault(&self, at: u8, code: &str, b: B) {}",
        ] {
            let found = found(source, "| `old-code` | b |\n");
            assert!(found[0].starts_with("src/checks/a.rs:2: `new-code` is not in"), "{found:?}");
        }
    }

    #[test]
    fn a_code_that_cannot_be_told_is_found() {
        let found = found("fn a() { Error::new(kind, format!(\"{b}\"), c) }", "");
        assert!(found.len() == 1 && found[0].contains("cannot be told from here"), "{found:?}");
        assert_eq!(self::found("fn a() { Error::new(kind, row.code, c) }", ""), [""; 0]);
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
