//! Cutting a list of arguments, and a statement, out of tokens.

use crate::tokens::Token;

/// The arguments up to the parenthesis that closes the list which begins here.
pub(super) fn arguments(all: &[Token]) -> Vec<&[Token]> {
    let (mut list, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (index, token) in all.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            "," if depth == 0 => {
                list.push(&all[start..index]);
                start = index + 1;
            }
            ")" | "]" | "}" | "|" if depth == 0 => {
                list.push(&all[start..index]);
                break;
            }
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
    }
    list
}

/// All up to the semicolon that ends the statement which begins here.
pub(super) fn statement(all: &[Token]) -> &[Token] {
    let mut depth = 0_usize;
    let end = all.iter().position(|token| {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.text == ";"
    });
    &all[..end.unwrap_or(all.len())]
}
