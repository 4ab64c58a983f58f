//! That documents point at what is there.

use crate::Violation;
use crate::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found: Vec<Violation> =
        tree.ending(".md").flat_map(|(file, text)| broken_links(tree, file, text)).collect();
    found.extend(changelog(tree));
    found
}

fn broken_links(tree: &Tree, file: &str, text: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for (number, line) in outside_fences(text) {
        for target in links(line).filter(|target| !leads(tree, file, target)) {
            found.push(Violation {
                file: file.into(),
                line: number,
                what: format!("the link to {target} leads nowhere"),
                why: "a reader follows it; name a file, and a heading of it, that are there",
            });
        }
    }
    found
}

/// The numbered lines of a document that are not in a fenced block.
fn outside_fences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((index + 1, line))
    })
}

/// The targets of `[text](target)` that are inside this repository.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target).filter(|target| !target.contains("://"))
}

fn leads(tree: &Tree, from: &str, target: &str) -> bool {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { from.to_owned() } else { resolve(from, path) };
    let folder = format!("{path}/");
    if heading.is_empty() {
        return tree.files.keys().any(|file| *file == path || file.starts_with(&folder));
    }
    tree.files.get(&path).is_some_and(|text| headings(text).any(|each| each == heading))
}

/// `target`, seen from the folder of the file `from`.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The anchors of a document's headings, as code hosts make them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let titles = outside_fences(text).filter(|(_, line)| line.starts_with('#'));
    titles.map(|(_, line)| anchor(line.trim_start_matches('#').trim()))
}

fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn changelog(tree: &Tree) -> Option<Violation> {
    let manifest: toml::Table = tree.files.get("Cargo.toml")?.parse().expect("TOML");
    let version = manifest.get("workspace")?.get("package")?.get("version")?.as_str()?.to_owned();
    let title = format!("## [{version}]");
    let text = tree.files.get("CHANGELOG.md").map_or("", String::as_str);
    let absent = !text.lines().any(|line| line.starts_with(&title));
    absent.then(|| Violation {
        file: "CHANGELOG.md".into(),
        line: 1,
        what: format!("there is no heading `{title}`"),
        why: "the version of the workspace has its section, and is released with that text",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(files: &[(&str, &str)]) -> Vec<usize> {
        check(&Tree::made_up(files)).iter().map(|found| found.line).collect()
    }

    #[test]
    fn a_link_leads_to_a_file_a_folder_or_a_heading() {
        let guide = ("docs/guide.md", "# A guide: `up`, first");
        let good = "[a](guide.md) [b](../src) [c](guide.md#a-guide-up-first) [d](https://x.y)";
        let files = [guide, ("docs/a.md", good), ("src/lib.rs", "")];
        assert_eq!(lines(&files), [0; 0]);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found_at_its_line() {
        let bad = "\n[a](gone.md)\n[b](#nothing)\n[c](../docs/a.md#nothing)\n";
        assert_eq!(lines(&[("docs/a.md", bad)]), [2, 3, 4]);
    }

    #[test]
    fn a_fenced_block_is_no_text() {
        assert_eq!(lines(&[("a.md", "```\n[a](gone.md)\n```\n")]), [0; 0]);
    }

    #[test]
    fn the_changelog_has_the_version() {
        let manifest = ("Cargo.toml", "[workspace.package]\nversion = \"0.2.0\"\n");
        assert_eq!(lines(&[manifest, ("CHANGELOG.md", "## [0.1.0] - unreleased")]), [1]);
        assert_eq!(lines(&[manifest, ("CHANGELOG.md", "## [0.2.0] - unreleased")]), [0; 0]);
    }
}
