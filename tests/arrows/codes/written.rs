//! The codes that are written in a file, each with its line.

use super::arguments::{arguments, statement};
use super::raisers::Raiser;
use crate::tokens::{Token, find};

/// Those that calls of `raiser` are given.
pub(super) fn given(all: &[Token], raiser: &Raiser) -> Vec<(String, usize)> {
    let codes = codes_given(all, raiser).into_iter().flatten().filter(|token| !token.test);
    codes.filter_map(|token| Some((code(all, token)?, token.line))).collect()
}

/// Those of `let code = ...;` and `let (code, ...) = ...;`, whose value chooses among them.
pub(super) fn bound(all: &[Token]) -> Vec<(String, usize)> {
    let lets = find(all, &["let"]).into_iter().filter(|index| !all[*index].test);
    lets.flat_map(|index| bound_by(&all[index + 1..]).unwrap_or_default()).collect()
}

/// Those of `code: "..."`, in the value of a struct.
pub(super) fn fields(all: &[Token]) -> Vec<(String, usize)> {
    let fields = find(all, &["code", ":"]).into_iter().filter_map(|index| all.get(index + 2));
    let fields = fields.filter(|token| !token.test && token.string().is_some());
    fields.filter_map(|token| Some((code(all, token)?, token.line))).collect()
}

/// The calls of `raiser` whose code is neither written in this file nor handed on.
pub(super) fn hidden<'a>(all: &'a [Token], raiser: &Raiser) -> Vec<&'a Token> {
    let is_told = |token: &Token| token.text == "code" || code(all, token).is_some();
    let untold = codes_given(all, raiser).into_iter().filter(|code| !code.iter().any(is_told));
    untold.filter_map(<[Token]>::first).filter(|token| !token.test).collect()
}

/// The tokens of the code in each call of `raiser`.
fn codes_given<'a>(all: &'a [Token], raiser: &Raiser) -> Vec<&'a [Token]> {
    let row: Vec<&str> = raiser.call.iter().map(String::as_str).collect();
    let calls = find(all, &row).into_iter();
    let calls = calls.filter(|index| *index == 0 || all[index - 1].text != "fn");
    let calls = calls.map(|index| arguments(&all[index + row.len()..]));
    calls.filter_map(|arguments| arguments.get(raiser.argument).copied()).collect()
}

fn bound_by(after_let: &[Token]) -> Option<Vec<(String, usize)>> {
    let equals = after_let.iter().position(|token| token.text == "=")?;
    let (pattern, value) = (&after_let[..equals], statement(&after_let[equals + 1..]));
    let is_code = |part: &&[Token]| part.first().is_some_and(|token| token.text == "code");
    let chosen: Vec<&Token> = match pattern.split_first()? {
        (open, rest) if open.text == "(" => {
            let place = arguments(rest).iter().position(is_code)?;
            let opens = find(value, &["("]).into_iter();
            let tuples = opens.map(|index| arguments(&value[index + 1..]));
            tuples.filter_map(|parts| parts.get(place)?.first()).collect()
        }
        (name, _) if name.text == "code" => value.iter().collect(),
        _ => return None,
    };
    let texts = chosen.into_iter().filter(|token| token.string().is_some());
    Some(texts.filter_map(|token| Some((code(value, token)?, token.line))).collect())
}

/// The code that a token is: a text, or a constant of this file that stands for one.
fn code(all: &[Token], token: &Token) -> Option<String> {
    let text = token.string().or_else(|| {
        let constant = *find(all, &["const", &token.text, ":"]).first()?;
        let mut value = all[constant..].iter().skip_while(|token| token.text != "=");
        value.nth(1)?.string()
    })?;
    is_code(text).then(|| text.to_owned())
}

fn is_code(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.split('-').all(|word| !word.is_empty() && word.chars().all(plain))
}
