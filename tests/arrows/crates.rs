//! The arrows between crates.

use crate::Violation;
use crate::tree::{Crate, Dependency, Tree};

/// What a crate may know of this workspace; `*` at the end stands for the rest of a name.
struct Arrows {
    from: &'static str,
    to: &'static [&'static str],
    tests_to: &'static [&'static str],
    why: &'static str,
}

const ARROWS: &[Arrows] = &[
    Arrows {
        from: "moorline",
        to: &["linux", "provider-*"],
        tests_to: &["testenv"],
        why: "the host stands on the contract, its providers and linux/; the lab is for tests only",
    },
    Arrows {
        from: "linux",
        to: &[],
        tests_to: &[],
        why: "linux/ serves the host and the providers alike, so it knows neither",
    },
    Arrows {
        from: "provider-api",
        to: &[],
        tests_to: &[],
        why: "the contract is at the bottom: everybody stands on it",
    },
    Arrows {
        from: "provider-*",
        to: &["linux", "provider-api"],
        tests_to: &["testenv"],
        why: "a provider knows the contract and linux/, never the host or another provider",
    },
    Arrows {
        from: "testenv",
        to: &["linux", "provider-api", "provider-plugin"],
        tests_to: &[],
        why: "the lab serves the tests of every crate, so it knows linux/, the contract and the \
              way to serve it over a wire, and no VPN",
    },
];

/// What the contract may use of the world: a runtime or I/O would keep providers from living
/// in another process.
const CONTRACT: &[&str] = &[
    "async-trait",
    "futures-core",
    "ipnet",
    "jiff",
    "secrecy",
    "serde",
    "serde_json",
    "thiserror",
];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    tree.crates
        .iter()
        .flat_map(|each| [wrong_arrows(tree, each), lints(tree, each), contract(tree, each)])
        .flatten()
        .collect()
}

fn wrong_arrows(tree: &Tree, from: &Crate) -> Vec<Violation> {
    let Some(arrows) = ARROWS.iter().find(|arrows| matches(arrows.from, &from.name)) else {
        return vec![Violation {
            file: from.manifest.clone(),
            line: 1,
            what: format!("no arrows are drawn for {}", from.name),
            why: "a new crate needs its place in tests/arrows/crates.rs",
        }];
    };
    let wrong = from.dependencies.iter().filter(|to| is_ours(tree, to) && !allows(arrows, to));
    wrong.map(|to| violation(tree, from, to, arrows.why)).collect()
}

fn is_ours(tree: &Tree, to: &Dependency) -> bool {
    ["moorline", "linux", "testenv"].contains(&to.name.as_str())
        || matches("provider-*", &to.name)
        || tree.crates.iter().any(|each| each.name == to.name)
}

fn allows(arrows: &Arrows, to: &Dependency) -> bool {
    let tests_to = if to.dev { arrows.tests_to } else { &[] };
    arrows.to.iter().chain(tests_to).any(|pattern| matches(pattern, &to.name))
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

fn violation(tree: &Tree, from: &Crate, to: &Dependency, why: &'static str) -> Violation {
    let Crate { name, manifest, .. } = from;
    let line = tree.line(manifest, &to.name);
    Violation { file: manifest.clone(), line, what: format!("{name} -> {}", to.name), why }
}

fn contract(tree: &Tree, from: &Crate) -> Vec<Violation> {
    const WHY: &str = "the contract does no I/O and knows no runtime, so that a provider may live \
                       in another process";
    if from.name != "provider-api" {
        return Vec::new();
    }
    let strange = from.dependencies.iter().filter(|to| !to.dev && !is_ours(tree, to));
    let strange = strange.filter(|to| !CONTRACT.contains(&to.name.as_str()));
    strange.map(|to| violation(tree, from, to, WHY)).collect()
}

fn lints(tree: &Tree, from: &Crate) -> Vec<Violation> {
    let manifest: toml::Table = tree.files[&from.manifest].parse().expect("a manifest is TOML");
    let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace"));
    if inherits.and_then(toml::Value::as_bool) == Some(true) {
        return Vec::new();
    }
    vec![Violation {
        file: from.manifest.clone(),
        line: 1,
        what: format!("{} does not inherit the lints", from.name),
        why: "lints are set once for the workspace: add `[lints] workspace = true`",
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tree: &Tree) -> Vec<String> {
        check(tree).iter().map(|each| each.what.clone()).collect()
    }

    #[test]
    fn the_drawn_arrows_are_good() {
        let tree = Tree::default()
            .with_crate("provider-api", &["serde"], &[])
            .with_crate("linux", &["tokio"], &[])
            .with_crate("provider-tailscale", &["linux", "provider-api"], &["testenv"])
            .with_crate("moorline", &["linux", "provider-api", "provider-tailscale"], &["testenv"])
            .with_crate("testenv", &["linux", "provider-api"], &[]);
        assert_eq!(found(&tree), [""; 0]);
    }

    #[test]
    fn a_provider_knows_neither_the_host_nor_its_neighbour() {
        let tree =
            Tree::default().with_crate("provider-tailscale", &["provider-b", "moorline"], &[]);
        let expected = ["provider-tailscale -> provider-b", "provider-tailscale -> moorline"];
        assert_eq!(found(&tree), expected);
        assert_eq!(check(&tree)[0].line, 4);
    }

    #[test]
    fn the_lab_is_for_tests_only() {
        let tree = Tree::default().with_crate("moorline", &["testenv"], &[]);
        assert_eq!(found(&tree), ["moorline -> testenv"]);
    }

    #[test]
    fn linux_and_the_contract_know_nobody() {
        let tree = Tree::default().with_crate("linux", &["provider-api"], &[]).with_crate(
            "provider-api",
            &["linux", "tokio"],
            &[],
        );
        let expected = ["linux -> provider-api", "provider-api -> linux", "provider-api -> tokio"];
        assert_eq!(found(&tree), expected);
    }

    #[test]
    fn a_crate_inherits_the_lints_and_has_its_place() {
        let mut tree = Tree::default().with_crate("shared", &[], &[]);
        tree.files.insert("shared/Cargo.toml".into(), "[package]\n".into());
        let expected = ["no arrows are drawn for shared", "shared does not inherit the lints"];
        assert_eq!(found(&tree), expected);
    }
}
