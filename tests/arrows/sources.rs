//! What a source file may hold.

use crate::Violation;
use crate::rules::{RULES, Rule};
use crate::tokens::{Token, find};
use crate::tree::Tree;

const LINES: usize = 600;

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let providers = providers(tree);
    let mut found = unsafe_files(tree);
    for (file, text) in tree.ending(".rs") {
        found.extend(too_long(file, text));
        match tree.tokens(file) {
            Ok(all) => {
                found.extend(RULES.iter().flat_map(|rule| broken(rule, file, &all)));
                found.extend(named_providers(&providers, file, &all));
            }
            Err(error) => found.push(violation(file, 1, error, "every source file is Rust")),
        }
    }
    found
}

fn violation(file: &str, line: usize, what: impl Into<String>, why: &'static str) -> Violation {
    Violation { file: file.into(), line, what: what.into(), why }
}

fn broken(rule: &Rule, file: &str, all: &[Token]) -> Vec<Violation> {
    let within = |places: &[&str]| places.iter().any(|place| file.starts_with(place));
    if within(rule.except) || !(rule.inside.is_empty() || within(rule.inside)) {
        return Vec::new();
    }
    let places = find(all, rule.row).into_iter().map(|index| &all[index]);
    let places = places.filter(|token| !(rule.spares_tests && token.test));
    places.map(|token| violation(file, token.line, rule.row.concat(), rule.why)).collect()
}

fn too_long(file: &str, text: &str) -> Option<Violation> {
    let lines = text.lines().count();
    (lines > LINES).then(|| {
        violation(file, lines, format!("{lines} lines"), "a file of over 600 has two subjects")
    })
}

/// The words that stand for a provider: `tailscale` for the crate `provider-tailscale`.
fn providers(tree: &Tree) -> Vec<String> {
    let folders = tree.files.keys().filter_map(|path| path.strip_prefix("providers/"));
    let names = folders.filter_map(|path| path.split_once('/')).map(|(name, _)| name);
    let mut names: Vec<String> =
        names.filter(|name| !["api", "plugin"].contains(name)).map(str::to_owned).collect();
    names.extend(
        tree.crates
            .iter()
            .filter_map(|each| each.name.strip_prefix("provider-"))
            .filter(|name| !["api", "plugin"].contains(name))
            .map(str::to_owned),
    );
    names.sort();
    names.dedup();
    names
}

/// The host is written without any provider in mind. Its tests, the examples of `--help` and a
/// value as it is typed, `name=tailscale`, may name one.
fn named_providers(providers: &[String], file: &str, all: &[Token]) -> Vec<Violation> {
    const WHY: &str = "only src/providers.rs names a provider: the host must do for all of them";
    if !file.starts_with("src/") || file == "src/providers.rs" {
        return Vec::new();
    }
    let help = |token: &Token| file.starts_with("src/cli/") && token.text.contains("EXAMPLES");
    let code = all.iter().filter(|token| !token.test && !help(token));
    let named = code.filter_map(|token| Some((token, named(providers, &token.text)?)));
    let mut found: Vec<Violation> = named
        .map(|(token, name)| violation(file, token.line, format!("names {name}"), WHY))
        .collect();
    found.dedup();
    found
}

fn named<'a>(providers: &'a [String], text: &str) -> Option<&'a String> {
    let text = text.to_lowercase().replace('_', "-").replace(['\\', '"', ' '], "");
    providers.iter().find(|name| text.replace(&format!("name={name}"), "").contains(name.as_str()))
}

/// In linux/, one file holds all of it.
fn unsafe_files(tree: &Tree) -> Vec<Violation> {
    let files: Vec<(&str, usize)> = tree
        .ending(".rs")
        .filter(|(file, _)| file.starts_with("linux/"))
        .filter_map(|(file, _)| Some((file, first_line(&tree.tokens(file).ok()?, "unsafe")?)))
        .collect();
    let why = "unsafe lives in one module, where all of it can be read at once";
    files.iter().skip(1).map(|(file, line)| violation(file, *line, "unsafe", why)).collect()
}

fn first_line(all: &[Token], text: &str) -> Option<usize> {
    all.iter().find(|token| token.text == text).map(|token| token.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, text: &str) -> Vec<String> {
        let tree = Tree::made_up(&[(file, text)]).with_crate("provider-tailscale", &[], &[]);
        check(&tree).iter().map(Violation::to_string).collect()
    }

    fn is_found(file: &str, text: &str, place: &str) {
        let found = found(file, text);
        assert!(found.len() == 1 && found[0].starts_with(place), "{file}: {text}: {found:?}");
    }

    #[test]
    fn the_host_names_no_provider() {
        is_found("src/host/a.rs", "\nuse provider_tailscale::Tailscale;", "src/host/a.rs:2: ");
        is_found("src/host/a.rs", "const A: &str = \"tailscaled\";", "src/host/a.rs:1: ");
        is_found("src/settings/a.rs", "fn tailscale() {}", "src/settings/a.rs:1: ");
        for good in [
            ("src/providers.rs", "use provider_tailscale::open;"),
            ("src/host/a.rs", "// as tailscale does\nfn a() {}"),
            ("src/host/a.rs", "#[cfg(test)] mod tests { const A: &str = \"tailscale\"; }"),
            ("src/cli/up.rs", "const HELP: &str = \"--vpn-auth=name=tailscale,joinKey=...\";"),
            ("src/cli/up.rs", "const HELP: &str = \"EXAMPLES\\n  With Tailscale:\";"),
            ("src/settings/a.rs", "const TOML: &str = \"name = \\\"tailscale\\\"\";"),
            ("providers/tailscale/src/lib.rs", "struct Tailscale;"),
        ] {
            assert_eq!(found(good.0, good.1), [""; 0]);
        }
    }

    #[test]
    fn a_module_that_only_tests_compile_may_name_one() {
        let tree = Tree::made_up(&[
            ("src/checks/mod.rs", "#[cfg(test)]\nmod scenes;"),
            ("src/checks/scenes.rs", "const VPN: &str = \"tailscale\";"),
        ]);
        assert_eq!(check(&tree.with_crate("provider-tailscale", &[], &[])), []);
    }

    #[test]
    fn every_place_that_a_rule_names_is_there() {
        let tree = Tree::of_the_workspace();
        let is_there = |place: &&&str| tree.files.keys().any(|file| file.starts_with(**place));
        let places = RULES.iter().flat_map(|rule| rule.inside.iter().chain(rule.except));
        let gone: Vec<_> = places.filter(|place| !is_there(place)).collect();
        assert!(gone.is_empty(), "these moved: {gone:?}");
    }

    #[test]
    fn some_tokens_have_their_place() {
        for bad in [
            ("src/cli/up.rs", "fn a() { std::process::exit(1) }"),
            ("src/cli/up.rs", "fn a() { unsafe { b() } }"),
            ("src/cli/up.rs", "fn a() { println!(\"b\") }"),
            ("providers/api/src/a.rs", "fn a() { todo!() }"),
            ("testenv/src/a.rs", "fn a() { dbg!(1); }"),
            ("src/settings/a.rs", "fn a() { std::env::var(b) }"),
            ("src/checks/a.rs", "use std::fs::File;"),
            ("src/proof/cause.rs", "async fn a() { tokio::join!(b) }"),
            ("src/host/judge.rs", "fn a() { Instant::now() }"),
            ("tests/a.rs", "#[test] fn a() { std::thread::sleep(b); }"),
            ("src/host/a.rs", "use crate::cli::Up;"),
            ("src/proof/a.rs", "use crate::host::State;"),
        ] {
            is_found(bad.0, bad.1, &format!("{}:1: ", bad.0));
        }
        for good in [
            ("src/main.rs", "fn main() { std::process::exit(moorline::run()) }"),
            ("linux/src/raw.rs", "fn a() { unsafe { b() } }"),
            ("src/cli/up.rs", "// println! is not for us\nfn a() { writeln!(out, \"b\") }"),
            ("tests/a.rs", "fn skip() { eprintln!(\"skipped\") }"),
            ("linux/src/a.rs", "#[test] fn a() { println!(\"skipped\") }"),
            ("src/cli/up.rs", "use crate::host;\nuse crate::cli::Step;"),
        ] {
            assert_eq!(found(good.0, good.1), [""; 0]);
        }
    }

    #[test]
    fn unsafe_stays_in_one_module() {
        let text = "fn a() { unsafe { b() } }";
        let tree = Tree::made_up(&[("linux/src/a.rs", text), ("linux/src/b.rs", text)]);
        let found = check(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].file.as_str(), found[0].line), ("linux/src/b.rs", 1));
    }

    #[test]
    fn a_file_has_one_subject_and_is_rust() {
        is_found("src/a.rs", &"// a\n".repeat(601), "src/a.rs:601: 601 lines");
        is_found("src/a.rs", "fn a() {", "src/a.rs:1: ");
        assert_eq!(found("src/a.rs", &"// a\n".repeat(600)), [""; 0]);
    }
}
