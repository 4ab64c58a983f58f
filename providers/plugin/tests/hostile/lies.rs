//! Plugins that say what is not so.

use provider_api::{Error, ErrorKind, Provider};
use provider_plugin::Limits;

use crate::scripts::{OBSERVED, Script, host, runs, settings};

/// What comes of a plugin that introduces itself so.
fn introduced(initialized: &str) -> Error {
    let script = Script::new(&format!("hear; {initialized}; hear"));
    let error = script.start(Limits::default()).err().expect("no introduction");
    assert!(!runs(script.pids()[0]));
    error
}

#[test]
fn one_of_other_versions_is_refused() {
    for (said, subject) in [
        (r#"answer "{\"protocol\":2,\"manifest\":$manifest}""#, "version 2 of the plugin protocol"),
        (
            r#"answer '{"protocol":1,"manifest":{"contract":7}}'"#,
            "version 7 of the provider contract",
        ),
    ] {
        let error = introduced(said);
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unsupported, "plugin-version"));
        assert!(error.what.contains(subject), "{error}");
        assert!(error.fix.is_some());
    }
}

#[test]
fn one_that_refuses_this_host_says_why() {
    let error = introduced(
        r#"say "\"id\":$id,\"error\":{\"code\":-32014,\"message\":\"too old\",\"data\":{\"code\":\"old\"}}""#,
    );
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unsupported, "old"));
    assert_eq!(error.what, "too old");
}

#[test]
fn one_that_is_another_provider_is_refused() {
    let error =
        introduced(r#"answer "{\"protocol\":1,\"manifest\":${manifest/\"fake\"/\"other\"}}""#);
    assert_eq!(error.code, "plugin-version");
    assert!(error.what.contains("says that it is other"), "{error}");
}

#[test]
fn an_introduction_of_the_wrong_shape_is_told() {
    for said in ["answer '{}'", "answer null", r#"answer '{"protocol":1,"manifest":{}}'"#] {
        let error = introduced(said);
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Bug, "plugin-answer"), "{said}");
    }
}

#[tokio::test]
async fn an_answer_of_the_wrong_shape_fails_its_call_alone() {
    let body = format!("hello; opened; hear; answer '\"fine\"'; hear; answer {OBSERVED}; hear");
    let script = Script::new(&body);
    let opened = script.open(Limits::default());
    let error = opened.network.observe().await.expect_err("text is not what is observed");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Bug, "plugin-answer"));
    assert!(error.what.contains("observe"), "{error}");
    opened.network.observe().await.expect("the same process");
    assert_eq!(script.pids().len(), 1);
}

#[tokio::test]
async fn what_is_no_answer_to_anything_ends_the_plugin() {
    for (said, why) in [
        (r#"say '"id":99,"result":null'"#, "answered request 99, which is none"),
        ("echo hello", "expected value"),
        ("echo '[]'", "broke the protocol"),
        (r"printf '\377\376\n'", "broke the protocol"),
        (r#"say '"id":null,"error":{"code":-32700,"message":"what?"}'"#, "broke the protocol"),
        (r#"say '"method":"progres","params":{}'"#, "`progres`"),
        (r#"say '"method":"progress","params":{"call":3}'"#, "missing field `step`"),
    ] {
        let script = Script::new(&format!("hello; opened; hear; {said}; hear"));
        let opened = script.open(Limits::default());
        let error = opened.network.observe().await.expect_err(said);
        assert_eq!(error.kind, ErrorKind::Unavailable, "{said}: {error:?}");
        assert_eq!(error.code, "plugin-protocol", "{said}: {error:?}");
        assert!(error.what.contains(why), "{said}: {error}");
        assert!(!runs(script.pids()[0]), "{said}");
    }
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_answered_so_and_the_call_goes_on() {
    let body = format!(
        r#"hello; opened; hear; call=$id
        ask() {{ say "\"id\":$1,\"method\":\"$2\",\"params\":$3"; IFS= read -r line; note "$line"; }}
        ask 1 ledger '{{"call":99}}'
        ask 2 legder "{{\"call\":$call}}"
        ask 3 record "{{\"call\":$call,\"entry\":\"everything\"}}"
        ask 4 secret "{{\"call\":$call,\"key\":\"colour\"}}"
        id=$call; answer {OBSERVED}; hear"#
    );
    let script = Script::new(&body);
    let opened = script.open(Limits::default());
    opened.network.observe().await.expect("an answer in the end");
    let notes = script.notes();
    for (line, part) in
        notes[4..].iter().zip(["no call 99 listens", "-32601", "-32602", r#""result":null"#])
    {
        assert!(line.contains(part), "{line}");
    }
}

#[tokio::test]
async fn a_refusal_to_open_is_the_plugins_own_error() {
    let script = Script::new(
        r#"hello; hear
        say "\"id\":$id,\"error\":{\"code\":-32010,\"message\":\"no such colour\",\"data\":{\"code\":\"colour\",\"fix\":\"colour=red\"}}"
        hear"#,
    );
    let plugin = script.start(Limits::default()).expect("a plugin");
    let error = plugin.open(&settings(), host()).err().expect("a refusal");
    assert_eq!(error, Error::settings("colour", "no such colour").fix("colour=red"));
}
