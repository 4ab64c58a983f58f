//! What the checks look at: the crates and their dependencies, and every file's text.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::tokens::{Token, find, tokens};

/// The repository, or a small one that a test made up.
#[derive(Default)]
pub(crate) struct Tree {
    /// Text by path, relative to the root, with `/`.
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) crates: Vec<Crate>,
}

/// A crate of the workspace.
pub(crate) struct Crate {
    pub(crate) name: String,
    /// Where its manifest is, as a key of [`Tree::files`].
    pub(crate) manifest: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// What a crate asks for in its manifest.
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Whether only its tests see it.
    pub(crate) dev: bool,
}

impl Tree {
    /// This repository, as it is on disk.
    pub(crate) fn of_the_workspace() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut tree = Tree { files: BTreeMap::new(), crates: crates(root) };
        tree.read(root, root);
        tree
    }

    fn read(&mut self, root: &Path, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder of the repository can be read") {
            let path = entry.expect("an entry can be read").path();
            let name = relative(root, &path);
            if is_skipped(&name) {
                continue;
            } else if path.is_dir() {
                self.read(root, &path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                self.files.insert(name, text);
            }
        }
    }

    /// The files whose name ends so, with their text.
    pub(crate) fn ending(&self, end: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(move |(path, _)| path.ends_with(end))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The tokens of a Rust file; the lexer's own words where it is not Rust.
    pub(crate) fn tokens(&self, file: &str) -> Result<Vec<Token>, String> {
        let mut all = tokens(&self.files[file])?;
        if self.is_test_module(file) {
            all.iter_mut().for_each(|token| token.test = true);
        }
        Ok(all)
    }

    /// Whether this file is a test of its own, or the module above declares it for tests only.
    fn is_test_module(&self, file: &str) -> bool {
        if format!("/{file}").contains("/tests/") {
            return true;
        }
        let Some((folder, name)) = file.rsplit_once('/') else { return false };
        let name = name.trim_end_matches(".rs");
        let parents =
            [format!("{folder}/mod.rs"), format!("{folder}/lib.rs"), format!("{folder}.rs")];
        let parents = parents.iter().filter_map(|parent| self.files.get(parent));
        let declared = format!("mod {name};");
        let parents = parents.filter(|text| text.contains(&declared));
        parents
            .filter_map(|text| tokens(text).ok())
            .any(|all| find(&all, &["mod", name, ";"]).iter().any(|index| all[*index].test))
    }

    /// The line of a file that holds `text` first, from 1; 1 where none does.
    pub(crate) fn line(&self, file: &str, text: &str) -> usize {
        let found = self.files.get(file).and_then(|all| line_of(all, text));
        found.unwrap_or(1)
    }
}

fn line_of(all: &str, text: &str) -> Option<usize> {
    all.lines().position(|line| line.contains(text)).map(|index| index + 1)
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).expect("inside the root");
    path.to_str().expect("file names are UTF-8").replace('\\', "/")
}

/// What is built, or belongs to git or an editor.
fn is_skipped(name: &str) -> bool {
    let hidden = name.starts_with('.') && name != ".cargo" && name != ".ci";
    hidden || ["target", "dist"].contains(&name)
}

fn crates(root: &Path) -> Vec<Crate> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    packages.iter().map(|package| of_metadata(root, package)).collect()
}

fn of_metadata(root: &Path, package: &Value) -> Crate {
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let dependencies = package["dependencies"].as_array().expect("a list");
    Crate {
        name: text(&package["name"]),
        manifest: relative(root, Path::new(&text(&package["manifest_path"]))),
        dependencies: dependencies
            .iter()
            .map(|each| Dependency { name: text(&each["name"]), dev: each["kind"] == "dev" })
            .collect(),
    }
}

#[cfg(test)]
impl Tree {
    /// A tree of these files alone.
    pub(crate) fn made_up(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).into(), (*text).into()));
        Tree { files: files.collect(), crates: Vec::new() }
    }

    /// The same tree with one more crate, in a folder of its name, that inherits the lints.
    pub(crate) fn with_crate(mut self, name: &str, needs: &[&str], tests_need: &[&str]) -> Self {
        let lines = |names: &[&str]| -> String {
            names.iter().map(|name| format!("{name}.workspace = true\n")).collect()
        };
        let text = format!(
            "[lints]\nworkspace = true\n[dependencies]\n{}[dev-dependencies]\n{}",
            lines(needs),
            lines(tests_need)
        );
        let dependency = |dev| move |name: &&str| Dependency { name: (*name).into(), dev };
        let manifest = format!("{name}/Cargo.toml");
        self.crates.push(Crate {
            name: name.into(),
            manifest: manifest.clone(),
            dependencies: needs
                .iter()
                .map(dependency(false))
                .chain(tests_need.iter().map(dependency(true)))
                .collect(),
        });
        self.files.insert(manifest, text);
        self
    }
}
