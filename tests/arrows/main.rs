//! The house's rules as code: who may know whom, what a source file may hold, and that the
//! documents keep up with it. All violations are listed at once, each with its reason.

mod codes;
mod crates;
mod documents;
mod rules;
mod sources;
mod tokens;
mod tree;

use std::fmt;

use tree::Tree;

/// A rule that does not hold at a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    file: String,
    line: usize,
    what: String,
    why: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { file, line, what, why } = self;
        write!(out, "{file}:{line}: {what}: {why}")
    }
}

fn violations(tree: &Tree) -> Vec<Violation> {
    let checks = [crates::check, sources::check, documents::check, codes::check];
    let mut found: Vec<Violation> = checks.iter().flat_map(|check| check(tree)).collect();
    found.sort();
    found
}

#[test]
fn the_house_keeps_its_rules() {
    let found = violations(&Tree::of_the_workspace());
    let list: Vec<String> = found.iter().map(Violation::to_string).collect();
    assert!(list.is_empty(), "{} rules are broken:\n{}", list.len(), list.join("\n"));
}

#[test]
fn all_violations_are_listed_at_once() {
    let tree = Tree::made_up(&[
        ("src/host/join.rs", "fn join() { provider_tailscale::open() }"),
        ("src/host/leave.rs", "fn leave() { todo!() }"),
        ("docs/guide.md", "[gone](gone.md)"),
    ])
    .with_crate("provider-tailscale", &["moorline"], &[]);
    let places: Vec<String> =
        violations(&tree).iter().map(|found| format!("{}:{}", found.file, found.line)).collect();
    let expected = [
        "docs/guide.md:1",
        "provider-tailscale/Cargo.toml:4",
        "src/host/join.rs:1",
        "src/host/leave.rs:1",
    ];
    assert_eq!(places, expected);
}
