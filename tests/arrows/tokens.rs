//! Rust text as tokens: comments are gone, and what only tests compile is marked.

use std::str::FromStr;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One token, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: usize,
    /// Whether it is inside an item that only tests compile.
    pub(crate) test: bool,
}

impl Token {
    /// What stands between the quotes of a plain string.
    pub(crate) fn string(&self) -> Option<&str> {
        self.text.strip_prefix('"')?.strip_suffix('"')
    }
}

/// The tokens of a file; the lexer's own words where it is not Rust.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let stream = TokenStream::from_str(text).map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    flatten(stream, false, &mut all);
    Ok(all)
}

/// The places where these tokens stand in a row.
pub(crate) fn find(all: &[Token], row: &[&str]) -> Vec<usize> {
    let rows = all.windows(row.len()).enumerate();
    rows.filter(|(_, window)| window.iter().zip(row).all(|(token, text)| token.text == *text))
        .map(|(index, _)| index)
        .collect()
}

fn flatten(stream: TokenStream, test: bool, all: &mut Vec<Token>) {
    let mut trees = stream.into_iter().peekable();
    // From a `#[cfg(test)]` to the end of its item.
    let mut in_test_item = false;
    while let Some(tree) = trees.next() {
        let test = test || in_test_item;
        match tree {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                trees.next_if(|next| next.to_string() == "!");
                if let Some(TokenTree::Group(attribute)) =
                    trees.next_if(|next| matches!(next, TokenTree::Group(_)))
                {
                    in_test_item |= is_test(&attribute);
                    flatten_attribute(&attribute, test, all);
                }
            }
            TokenTree::Group(group) => {
                in_test_item &= group.delimiter() != Delimiter::Brace;
                flatten_group(&group, test, all);
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) | TokenTree::Punct(_) => {
                let text = tree.to_string();
                in_test_item &= text != ";";
                all.push(Token { text, line: tree.span().start().line, test });
            }
        }
    }
}

fn flatten_group(group: &Group, test: bool, all: &mut Vec<Token>) {
    let (open, close) = match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    };
    let token = |text: &str, line| Token { text: text.into(), line, test };
    all.push(token(open, group.span_open().start().line));
    flatten(group.stream(), test, all);
    all.push(token(close, group.span_close().start().line));
}

/// Doc comments are attributes to the compiler, and comments to us.
fn flatten_attribute(attribute: &Group, test: bool, all: &mut Vec<Token>) {
    if !attribute.stream().to_string().starts_with("doc =") {
        flatten_group(attribute, test, all);
    }
}

fn is_test(attribute: &Group) -> bool {
    let text = attribute.stream().to_string().replace(' ', "");
    text == "test" || text.ends_with("::test") || text == "cfg(test)"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).expect("Rust").into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_are_gone() {
        assert_eq!(words("//! a\n/// b\n/* c */ struct D; // e"), ["struct", "D", ";"]);
    }

    #[test]
    fn what_only_tests_compile_is_marked() {
        let text = "#[cfg(test)]\nuse a;\nfn b() {}\n#[cfg(test)] mod c { fn d() {} }\nfn e() {}";
        let all = tokens(text).expect("Rust");
        let marked = |word: &str| all.iter().find(|token| token.text == word).map(|t| t.test);
        assert_eq!(["a", "b", "d", "e"].map(marked), [true, false, true, false].map(Some));
    }

    #[test]
    fn a_row_is_found_at_its_line() {
        let all = tokens("fn a() {\n  std::process::exit(1)\n}").expect("Rust");
        let places = find(&all, &["process", ":", ":", "exit"]);
        assert_eq!(places.len(), 1);
        assert_eq!(all[places[0]].line, 2);
    }
}
