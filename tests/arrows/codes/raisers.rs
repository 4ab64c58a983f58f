//! The functions that take a code: those of the contract, and any with a parameter `code`.

use super::arguments::arguments;
use crate::tokens::{Token, find};

/// A function that takes a code.
#[derive(Debug, Clone)]
pub(super) struct Raiser {
    /// The tokens that begin a call of it.
    pub(super) call: Vec<String>,
    /// Where the code stands among its arguments.
    pub(super) argument: usize,
}

/// The contract's own, which every crate calls.
pub(super) fn of_the_contract() -> [Raiser; 4] {
    let known = [
        ("Finding", "new", 1),
        ("Error", "new", 1),
        ("Error", "settings", 0),
        ("Error", "unavailable", 0),
    ];
    known.map(|(owner, name, argument)| Raiser {
        call: owned(&[owner, ":", ":", name, "("]),
        argument,
    })
}

/// The public functions of a file that have a parameter `code`.
pub(super) fn public(all: &[Token]) -> Vec<Raiser> {
    functions(all)
        .filter(|index| is_public(&all[..*index]))
        .filter_map(|index| raiser(all, index))
        .collect()
}

/// The other functions of a file that have one, closures with a name among them.
pub(super) fn private(all: &[Token]) -> Vec<Raiser> {
    let functions = functions(all).filter(|index| !is_public(&all[..*index]));
    functions.filter_map(|index| raiser(all, index)).chain(closures(all)).collect()
}

fn functions(all: &[Token]) -> impl Iterator<Item = usize> {
    find(all, &["fn"]).into_iter()
}

fn is_public(before: &[Token]) -> bool {
    let modifiers =
        before.iter().rev().take_while(|token| ![";", "}", "{"].contains(&token.text.as_str()));
    modifiers.into_iter().any(|token| token.text == "pub")
}

/// The function whose `fn` stands here. Many are called `new`, so that one goes with its type.
fn raiser(all: &[Token], function: usize) -> Option<Raiser> {
    let signature = &all[function + 1..];
    let name = &signature.first()?.text;
    let open = signature.iter().position(|token| token.text == "(")? + 1;
    let argument = place_of_code(&arguments(&signature[open..]))?;
    let call = match name.as_str() {
        "new" => owned(&[implementor(&all[..function])?, ":", ":", name, "("]),
        _ => owned(&[name, "("]),
    };
    Some(Raiser { call, argument })
}

/// `let NAME = |code, ...|`.
fn closures(all: &[Token]) -> Vec<Raiser> {
    let closure = |index: usize| {
        let name = &all.get(index + 1)?.text;
        let starts = all.get(index + 2)?.text == "=" && all.get(index + 3)?.text == "|";
        let argument = place_of_code(&arguments(&all[index + 4..])).filter(|_| starts)?;
        Some(Raiser { call: owned(&[name, "("]), argument })
    };
    find(all, &["let"]).into_iter().filter_map(closure).collect()
}

fn place_of_code(parameters: &[&[Token]]) -> Option<usize> {
    let is_self = |parameter: &&&[Token]| parameter.iter().any(|token| token.text == "self");
    let mut parameters = parameters.iter().filter(|parameter| !is_self(parameter));
    parameters.position(|parameter| parameter.first().is_some_and(|token| token.text == "code"))
}

/// The type of the `impl` that these tokens are the beginning of.
fn implementor(before: &[Token]) -> Option<&str> {
    let start = before.iter().rposition(|token| token.text == "impl")?;
    let head = before[start..].iter().take_while(|token| token.text != "{");
    head.map(|token| token.text.as_str()).filter(|text| text.starts_with(char::is_uppercase)).last()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
