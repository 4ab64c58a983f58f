//! Answers as text. Pure; every word that came from elsewhere goes through [`plain`].

pub(super) mod doctor;
pub(super) mod error;
pub(super) mod events;
pub(super) mod findings;
pub(super) mod install;
pub(super) mod leave;
pub(super) mod peers;
pub(super) mod plan;
pub(super) mod secrets;
pub(super) mod settings;
pub(super) mod status;
pub(super) mod table;
pub(super) mod time;
pub(super) mod up;
pub(super) mod watch;

use anstyle::{AnsiColor, Style};

/// How a word that must not be missed is drawn, where colours are.
const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const GREEN: Style = AnsiColor::Green.on_default().bold();
const BLUE: Style = AnsiColor::Blue.on_default().bold();

/// Text from elsewhere, without what a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

/// A word in its style.
pub(super) fn styled(style: Style, word: &str) -> String {
    format!("{style}{word}{style:#}")
}

/// `  label: text`, with further lines under the first.
fn labelled(label: &str, text: &str) -> String {
    let indent = " ".repeat(label.len() + 4);
    let indented = |line: &str| match line.is_empty() {
        true => "\n".to_owned(),
        false => format!("\n{indent}{line}"),
    };
    let text = plain(text);
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    format!("  {label}: {first}{}\n", rest.lines().map(indented).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_that_came_from_elsewhere() {
        assert_eq!(plain("node\x1b[2J\r\n1"), "node\u{fffd}[2J\u{fffd}\n1");
    }

    #[test]
    fn further_lines_stand_under_the_first() {
        assert_eq!(labelled("fix", "one\n\n  two"), "  fix: one\n\n         two\n");
    }
}
