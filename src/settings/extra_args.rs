//! `extraArgs`: a line of flags, cut into words.

/// The key of the provider's flags: the last one, and all that follows belongs to it.
pub(super) const EXTRA_ARGS: &str = "extraArgs";

/// Cuts a line at whitespace. Single and double quotes keep whitespace and each other; nothing
/// else is special. None where a quote is left open.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A word as an operator would write it: in quotes where it needs them.
    fn quoted(word: &str) -> String {
        word.split('\'').map(|part| format!("'{part}'")).collect::<Vec<_>>().join("\"'\"")
    }

    #[test]
    fn quotes_keep_whitespace_together() {
        let words = |line| split(line).expect(line);
        assert_eq!(words("--ssh  --accept-dns=false\n"), ["--ssh", "--accept-dns=false"]);
        assert_eq!(
            words(r#"--hostname="my node" 'a "b"' """#),
            ["--hostname=my node", "a \"b\"", ""]
        );
        assert_eq!(words(r"--operator=a\b"), [r"--operator=a\b"]);
        assert!(words(" ").is_empty());
        assert_eq!(split("--hostname='node"), None);
    }

    proptest! {
        #[test]
        fn words_come_back(words in proptest::collection::vec(any::<String>(), 0..5)) {
            let line = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split(&line), Some(words));
        }

        #[test]
        fn any_line_is_cut_or_refused(line in any::<String>()) {
            split(&line);
        }
    }
}
